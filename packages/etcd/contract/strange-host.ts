import { randomBytes } from 'node:crypto'
import { createServer, type Server, type Socket } from 'node:net'
import { eventually } from '@sd/contract-tests'

/** Listens where etcd should, and does something else. */
export class StrangeHost implements AsyncDisposable {
  readonly endpoint: string
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #accepted = 0

  private constructor(server: Server, port: number) {
    this.#server = server
    this.endpoint = `127.0.0.1:${port}`
  }

  static async that(behaviour: 'refuses' | 'silent' | 'garbage' | 'closes'): Promise<StrangeHost> {
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
      else socket.resume()
      if (behaviour === 'garbage') socket.on('data', () => socket.write(randomBytes(200)))
    })
    if (behaviour === 'refuses') await new Promise((resolve) => server.close(resolve))
    return host
  }

  /** Waits until it was connected to so often. */
  async accepts(times: number, deadlineMs: number): Promise<void> {
    await eventually(
      `${times} connections`,
      deadlineMs,
      () => this.#accepted >= times,
      () => this.#accepted,
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve))
  }
}
