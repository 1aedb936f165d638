import { randomBytes } from 'node:crypto'
import { createServer, type Server, type Socket } from 'node:net'

/** Listens where ZooKeeper should, and does something else. */
export class StrangeHost implements AsyncDisposable {
  readonly endpoint: string
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #accepted = 0

  private constructor(server: Server, port: number) {
    this.#server = server
    this.endpoint = `127.0.0.1:${port}`
  }

  static async that(
    behaviour: 'refuses' | 'silent' | 'closes' | Uint8Array | 'garbage',
  ): Promise<StrangeHost> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const host = new StrangeHost(server, typeof address === 'object' ? (address?.port ?? 0) : 0)
    server.on('connection', (socket) => {
      host.#accepted++
      host.#sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => host.#sockets.delete(socket))
      if (behaviour === 'closes') socket.end()
      else if (behaviour === 'silent') socket.resume()
      else
        socket.on('data', () =>
          socket.write(behaviour === 'garbage' ? randomBytes(200) : behaviour),
        )
    })
    if (behaviour === 'refuses') await new Promise((resolve) => server.close(resolve))
    return host
  }

  get accepted(): number {
    return this.#accepted
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve))
  }
}
