import {
  type MethodDefinition,
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
} from '@grpc/grpc-js'

const bytes = (value: Buffer): Buffer => value

const method = (name: string, responseStream: boolean): MethodDefinition<Buffer, Buffer> => ({
  path: `/test.Echo/${name}`,
  requestStream: false,
  responseStream,
  requestSerialize: bytes,
  requestDeserialize: bytes,
  responseSerialize: bytes,
  responseDeserialize: bytes,
})

/**
 * `WhoAmI` answers with the server's id; `Count` sends the id `n` times, a few milliseconds apart.
 */
const echo: ServiceDefinition = {
  WhoAmI: method('WhoAmI', false),
  Count: method('Count', true),
}

/** How an echo server answers. */
export interface EchoOptions {
  readonly delayMs?: number | undefined
  readonly credentials?: ServerCredentials | undefined
  readonly port?: number | undefined
  /** Answers with this status instead. */
  readonly fail?: { readonly code: number; readonly details: string } | undefined
}

/** A grpc-js server with the echo service, bound to a port of 127.0.0.1. */
export class EchoServer implements AsyncDisposable {
  readonly id: string
  readonly server: Server = new Server()
  /** The name in `:authority` of each call. */
  readonly hosts: string[] = []
  port = 0
  calls = 0
  /** The number of HTTP/2 sessions so far. */
  connections = 0
  fail: EchoOptions['fail']

  private constructor(id: string, { delayMs = 0, fail }: EchoOptions) {
    this.id = id
    this.fail = fail
    const answer = (callback: sendUnaryData<Buffer>): void => {
      if (this.fail === undefined) callback(null, Buffer.from(this.id))
      else callback(this.fail)
    }
    this.server.addService(echo, {
      WhoAmI: (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) => {
        this.calls += 1
        this.hosts.push(call.getHost())
        if (delayMs === 0) answer(callback)
        else setTimeout(() => answer(callback), delayMs)
      },
      Count: (call: ServerWritableStream<Buffer, Buffer>) => {
        this.calls += 1
        let left = Number(call.request.toString())
        const timer = setInterval(() => {
          if (left-- > 0) return void call.write(Buffer.from(this.id))
          clearInterval(timer)
          call.end()
        }, 5)
        call.on('cancelled', () => clearInterval(timer))
      },
    })
  }

  /** A server that is not bound yet. */
  static create(id: string, options: EchoOptions = {}): EchoServer {
    return new EchoServer(id, options)
  }

  static async start(id: string, options: EchoOptions = {}): Promise<EchoServer> {
    const echoServer = new EchoServer(id, options)
    await echoServer.listen(options)
    return echoServer
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  listen({ credentials, port = 0 }: EchoOptions = {}): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.server.bindAsync(
      `127.0.0.1:${port}`,
      credentials ?? ServerCredentials.createInsecure(),
      (error, bound) => {
        if (error !== null) return reject(error)
        this.port = bound
        const { http2Servers } = this.server as unknown as {
          readonly http2Servers: Map<NodeJS.EventEmitter, unknown>
        }
        for (const http2Server of http2Servers.keys())
          http2Server.on('session', () => {
            this.connections += 1
          })
        resolve()
      },
    )
    return promise
  }

  stop(): Promise<void> {
    return new Promise((resolve) => this.server.tryShutdown(() => resolve()))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.forceShutdown()
  }
}
