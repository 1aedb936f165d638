import { connect, createServer, type Server, type Socket } from 'node:net'
import { endpointOf } from '@sd/contract-tests/servers'

/** Longer than a member takes from the election that it wins until it listens for the others. */
const patienceMs = 5_000
const retryMs = 20

/**
 * Forwards connections, and keeps them waiting for a target that does not listen yet. A `TcpProxy` accepts
 * a connection before it knows whether its target does. A member that is refused by the new leader tries again
 * a second later; one that is accepted and hung up on begins another election, in which the leader takes part
 * only after `initLimit`.
 */
export class PatientRelay implements AsyncDisposable {
  /** `127.0.0.1:port`; set before the first connection. */
  target = ''
  readonly endpoint: string
  readonly #server: Server
  readonly #open = new Set<Socket>()

  private constructor(server: Server) {
    this.endpoint = endpointOf(server)
    this.#server = server
    server.on('connection', (client) => {
      this.#keep(client)
      this.#dial(client, performance.now() + patienceMs)
    })
  }

  static async listen(): Promise<PatientRelay> {
    const server = createServer({ noDelay: true })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new PatientRelay(server)
  }

  /** What the client sends meanwhile waits in its socket. */
  #dial(client: Socket, endMs: number): void {
    const [host, port] = this.target.split(':')
    const onward = connect({ host, port: Number(port), noDelay: true })
    this.#keep(onward)
    let isConnected = false
    onward.once('connect', () => {
      isConnected = true
      client.pipe(onward)
      onward.pipe(client)
    })
    const leave = (): unknown => onward.destroy()
    client.once('close', leave)
    onward.once('close', () => {
      client.off('close', leave)
      if (client.destroyed) return
      if (isConnected || performance.now() > endMs) client.destroy()
      else setTimeout(() => this.#dial(client, endMs), retryMs)
    })
  }

  #keep(socket: Socket): void {
    this.#open.add(socket)
    socket.on('error', () => {}) // 'close' follows
    socket.once('close', () => this.#open.delete(socket))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    for (const socket of this.#open) socket.destroy()
    await closed
  }
}
