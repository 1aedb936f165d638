import {
  createServer,
  type Http2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { prefixBytes, withPrefix } from '../../../src/client/grpc/message-frames.ts'

/** A message with its prefix. */
export const frame = (message: Buffer): Buffer =>
  withPrefix(Buffer.concat([Buffer.alloc(prefixBytes), message]))

/** A host at the level of HTTP/2 frames, for answers that no etcd gives. */
export class Http2Host implements AsyncDisposable {
  readonly sessions: ServerHttp2Session[] = []
  readonly sockets = new Set<Socket>()
  /** What to do with each request. */
  onStream: (stream: ServerHttp2Stream) => void = () => {}
  readonly #server: Http2Server

  private constructor(server: Http2Server) {
    this.#server = server
    server.on('connection', (socket: Socket) => {
      this.sockets.add(socket)
      socket.on('close', () => this.sockets.delete(socket))
    })
    server.on('session', (session) => this.sessions.push(session))
    server.on('sessionError', () => {})
    server.on('stream', (stream) => {
      stream.on('error', () => {})
      stream.resume()
      this.onStream(stream)
    })
  }

  static async start(): Promise<Http2Host> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new Http2Host(server)
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Answers every request with these bytes and trailers. */
  answer(data: Buffer, trailers: Record<string, string> = { 'grpc-status': '0' }): void {
    this.onStream = (stream) => {
      stream.respond({ 'content-type': 'application/grpc' }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers(trailers))
      stream.end(data)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
