import { connect, createServer, type Server, type Socket } from 'node:net'
import { endpointOf } from '@sd/contract-tests/servers'

/** A proxy that can send bytes to its clients as if they were the server's, between its frames. */
export class InjectingProxy implements AsyncDisposable {
  /** The address for clients, `127.0.0.1:port`. */
  readonly endpoint: string
  /** Whether what clients send is dropped from now on. */
  muted = false
  readonly #server: Server
  readonly #clients = new Set<Socket>()

  private constructor(server: Server, target: string) {
    this.endpoint = endpointOf(server)
    this.#server = server
    const [host = '', port = ''] = target.split(':')
    server.on('connection', (client) => {
      const behind = connect(Number(port), host)
      this.#clients.add(client)
      client.on('data', (chunk) => void (this.muted || behind.write(chunk)))
      behind.on('data', (chunk) => client.write(chunk))
      for (const [one, other] of [
        [client, behind],
        [behind, client],
      ] as const) {
        one.on('error', () => {})
        one.on('close', () => other.destroy())
      }
      client.on('close', () => this.#clients.delete(client))
    })
  }

  static async to(target: string): Promise<InjectingProxy> {
    const server = createServer({ noDelay: true })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new InjectingProxy(server, target)
  }

  inject(data: Buffer): void {
    for (const client of this.#clients) client.write(data)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
