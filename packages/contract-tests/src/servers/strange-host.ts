import { randomBytes } from 'node:crypto'
import { createServer, type Server, type Socket } from 'node:net'

/** How a {@link StrangeHost} treats its connections; bytes are its answer to any input. */
export type StrangeBehaviour = 'refuses' | 'silent' | 'closes' | 'garbage' | Uint8Array

/** Listens in place of a server, and misbehaves. */
export class StrangeHost implements AsyncDisposable {
  /** The address for clients, `127.0.0.1:port`. */
  readonly endpoint: string
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #accepted = 0

  private constructor(server: Server, behaviour: StrangeBehaviour) {
    this.#server = server
    const address = server.address()
    this.endpoint = typeof address === 'object' && address ? `127.0.0.1:${address.port}` : ''
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

  /** Creates one on a free port of 127.0.0.1, without a listener if it is to refuse. */
  static async that(behaviour: StrangeBehaviour): Promise<StrangeHost> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const host = new StrangeHost(server, behaviour)
    if (behaviour === 'refuses') await new Promise((resolve) => server.close(resolve))
    return host
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
