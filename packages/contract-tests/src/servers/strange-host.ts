import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { endpointOf } from './endpoint-of.ts'

/** How a {@link StrangeHost} treats its connections; bytes are its answer to any input. */
export type StrangeBehaviour = 'refuses' | 'silent' | 'closes' | 'garbage' | Uint8Array

/** Listens in place of a server, and misbehaves. */
export class StrangeHost implements AsyncDisposable {
  /** The address for clients, `127.0.0.1:port`. */
  readonly endpoint: string
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #accepted = 0

  private constructor(server: Server, behaviour: StrangeBehaviour, held?: Socket) {
    this.#server = server
    if (held) this.#sockets.add(held)
    this.endpoint = held ? `127.0.0.1:${held.localPort}` : endpointOf(server)
    server.on('connection', (socket) => {
      this.#accepted++
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => this.#sockets.delete(socket))
      if (behaviour === 'closes') socket.end()
      else if (behaviour === 'silent') socket.resume()
      else
        socket.on('data', () =>
          socket.write(behaviour instanceof Uint8Array ? behaviour : randomBytes(200)),
        )
    })
  }

  /**
   * Creates one on a free port of 127.0.0.1. One that refuses has the port of a connection that it makes: nobody
   * listens on it, and nobody else is given it as long as the connection is open.
   */
  static async that(behaviour: StrangeBehaviour): Promise<StrangeHost> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    if (behaviour !== 'refuses') return new StrangeHost(server, behaviour)
    const [host = '', port = ''] = endpointOf(server).split(':')
    const held = connect(Number(port), host)
    held.on('error', () => {})
    await Promise.all([once(held, 'connect'), once(server, 'connection')])
    return new StrangeHost(server, behaviour, held)
  }

  /** The number of connections so far. */
  get accepted(): number {
    return this.#accepted
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve))
  }
}
