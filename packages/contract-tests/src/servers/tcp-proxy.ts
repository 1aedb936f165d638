import { createServer, type Server, type Socket } from 'node:net'
import { endpointOf } from './endpoint-of.ts'
import { ProxiedConnection } from './proxied-connection.ts'
import type { ProxyBytes, ProxyFaults } from './proxy-faults.ts'

/**
 * A TCP proxy with faults that a test controls. It works the same for every kind of server and
 * driver, and its port never changes. Faults apply to open and new connections alike.
 */
export class TcpProxy implements AsyncDisposable {
  /** The address to which new connections are forwarded, `host:port`; may be changed. */
  target: string
  /** The address for clients, `127.0.0.1:port`. */
  readonly endpoint: string
  readonly bytes: ProxyBytes = { fromClient: 0, fromServer: 0 }
  readonly #faults: ProxyFaults = {
    latencyMs: 0,
    bytesPerSecond: Infinity,
    partitioned: undefined,
    refusing: false,
    cut: undefined,
    hangAfterBytes: Infinity,
  }
  readonly #server: Server
  readonly #open = new Set<ProxiedConnection>()
  #accepted = 0
  #cuts = 0

  private constructor(target: string, server: Server) {
    this.target = target
    this.#server = server
    this.endpoint = endpointOf(server)
    server.on('connection', (client) => this.#accept(client))
  }

  /** A proxy in front of `target` (`host:port`), on a free port of 127.0.0.1. */
  static async to(target: string): Promise<TcpProxy> {
    const server = createServer({ allowHalfOpen: true, noDelay: true })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(0, '127.0.0.1', resolve)
    })
    return new TcpProxy(target, server)
  }

  /** The number of open client connections. */
  get connections(): number {
    return [...this.#open].filter((connection) => connection.open).length
  }

  /** The number of client connections so far, including refused ones. */
  get accepted(): number {
    return this.#accepted
  }

  /** Delays every chunk, in each direction, by `ms`. Chunks keep their order. */
  latency(ms: number): void {
    this.#faults.latencyMs = ms
  }

  /** Lets each connection pass at most that many bytes a second from the server. */
  narrow(bytesPerSecond: number): void {
    this.#faults.bytesPerSecond = bytesPerSecond
  }

  /**
   * Simulates a network that drops everything: connections stay open and silent, new ones are
   * accepted and silent, ends are not passed on. With `from` only what that side sends is dropped
   * on open connections. Healing resets the connections that lost data, as their streams have gaps;
   * the others continue.
   */
  partition(on: boolean, from: 'both' | 'client' | 'server' = 'both'): void {
    const partitioned = on ? from : undefined
    if (this.#faults.partitioned === partitioned) return
    this.#faults.partitioned = partitioned
    if (!on) for (const connection of this.#open) connection.heal()
  }

  /** Resets the open connections and every new one, as if nobody listened. */
  refuse(on: boolean): void {
    this.#faults.refusing = on
    if (on) this.reset()
  }

  /** Resets every open connection, on both sides. */
  reset(): void {
    for (const connection of this.#open) connection.reset()
  }

  /**
   * Resets a connection once it has passed `afterBytes` bytes from the server; later bytes are
   * lost. Each connection counts its own bytes, open ones from now on. `once` (the default) cuts
   * the first connection that reaches the limit, `always` every one, until {@link uncut}.
   */
  cutAfter(afterBytes: number, how: 'once' | 'always' = 'once'): void {
    this.#faults.cut = { afterBytes, times: how === 'once' ? 1 : Infinity }
    for (const connection of this.#open) connection.countFromNow()
  }

  /** The number of connections that {@link cutAfter} has cut so far. */
  get cuts(): number {
    return this.#cuts
  }

  /** Ends {@link cutAfter}. */
  uncut(): void {
    this.#faults.cut = undefined
  }

  /**
   * Simulates a path that is lost under the open connections: they stay open and silent, in both
   * directions, until {@link unsilence}. New ones work.
   */
  silence(): void {
    for (const connection of this.#open) connection.silence()
  }

  /**
   * Silences a connection once a client has sent more than `bytes` through it, counted from now on,
   * until {@link unsilence}. The chunk that exceeds the limit is lost as well.
   */
  hangAfter(bytes: number): void {
    this.#faults.hangAfterBytes = bytes
    for (const connection of this.#open) connection.countFromNow()
  }

  /** Ends {@link silence} and {@link hangAfter}: resets the connections that went silent. */
  unsilence(): void {
    this.#faults.hangAfterBytes = Infinity
    for (const connection of this.#open) connection.unsilence()
  }

  /** Ends every fault. */
  heal(): void {
    this.latency(0)
    this.narrow(Infinity)
    this.refuse(false)
    this.uncut()
    this.unsilence()
    this.partition(false)
  }

  #accept(client: Socket): void {
    this.#accepted++
    if (this.#faults.refusing) {
      client.on('error', () => {})
      client.resetAndDestroy()
      return
    }
    const connection = new ProxiedConnection(client, this.target, {
      faults: this.#faults,
      bytes: this.bytes,
      cut: () => (this.#cuts += 1),
      closed: () => this.#open.delete(connection),
    })
    this.#open.add(connection)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#faults.refusing = true // also for connections that are still in the backlog
    this.reset()
    await closed
  }
}
