import { connect, type Socket } from 'node:net'
import { DelayLine } from './delay-line.ts'
import type { ProxyBytes, ProxyFaults } from './proxy-faults.ts'

/** Data from the server is passed in pieces of this size, so that a narrow link passes it steadily. */
const pieceBytes = 4_096

/** State that a {@link ProxiedConnection} shares with its proxy. */
export interface ProxiedConnectionOptions {
  readonly faults: ProxyFaults
  readonly bytes: ProxyBytes
  /** Called when the connection is cut. */
  cut(): void
  /** Called once, when both sides are closed. */
  closed(): void
}

/** One client's connection through a proxy, with the matching connection to the server. */
export class ProxiedConnection {
  readonly #client: Socket
  readonly #target: string
  readonly #options: ProxiedConnectionOptions
  readonly #lines: DelayLine[]
  #server: Socket | undefined
  /** True once bytes were dropped: the streams have a gap. */
  #holed = false
  #silent = false
  #fromServer = 0
  #fromClient = 0
  /** True from the first byte beyond a cut until the reset that follows. */
  #cutting = false
  #over = false

  constructor(client: Socket, target: string, options: ProxiedConnectionOptions) {
    this.#client = client
    this.#target = target
    this.#options = options
    const delay = () => options.faults.latencyMs
    const takes = (size: number): number => (1_000 * size) / options.faults.bytesPerSecond
    const [up, down] = [new DelayLine(delay), new DelayLine(delay, takes)]
    this.#lines = [up, down]
    client.on('error', () => this.#lost())
    if (options.faults.partitioned !== undefined) {
      // Accepted and silent; no connection exists that could continue after healing.
      this.#holed = true
      client.on('data', () => {})
      client.on('close', () => this.#finish())
      return
    }
    const [host, port] = splitEndpoint(this.#target)
    const server = connect({ host, port: Number(port), allowHalfOpen: true, noDelay: true })
    this.#server = server
    server.on('error', () => this.#lost())
    this.#pipe(client, server, up, (size) => (options.bytes.fromClient += size))
    this.#pipe(server, client, down, (size) => (options.bytes.fromServer += size))
    client.on('close', () => this.#finishIfBothGone())
    server.on('close', () => this.#finishIfBothGone())
  }

  #pipe(from: Socket, to: Socket, line: DelayLine, count: (size: number) => void): void {
    from.on('data', (data: Buffer) => {
      for (let begin = 0; begin < data.length; begin += pieceBytes) {
        const piece = data.subarray(begin, begin + pieceBytes)
        line.push(() => this.#pass(from, to, piece, count), piece.length)
      }
      // A slow receiver slows the sender down, as it would without a proxy.
      if (to.writableNeedDrain && !from.isPaused()) {
        from.pause()
        to.once('drain', () => from.resume())
      }
    })
    from.on('end', () =>
      line.push(() => {
        if (this.#swallows(from)) this.#holed = true
        else to.end()
      }),
    )
  }

  /**
   * Applies the faults in force when the chunk's delay is over: a partition affects delayed chunks,
   * too.
   */
  #pass(from: Socket, to: Socket, data: Buffer, count: (size: number) => void): void {
    const { faults } = this.#options
    if (from === this.#client) {
      this.#fromClient += data.length
      if (this.#fromClient > faults.hangAfterBytes) this.#silent = true
    }
    if (this.#swallows(from)) {
      this.#holed = true
      return
    }
    if (this.#cutting) return
    if (from === this.#server) {
      const { cut } = faults
      if (cut && cut.times > 0 && this.#fromServer + data.length >= cut.afterBytes) {
        cut.times--
        this.#cut(to, data.subarray(0, Math.max(0, cut.afterBytes - this.#fromServer)), count)
        return
      }
      this.#fromServer += data.length
    }
    count(data.length)
    to.write(data)
  }

  #cut(to: Socket, last: Buffer, count: (size: number) => void): void {
    this.#cutting = true
    this.#options.cut()
    count(last.length)
    // A reset would overtake data that is still being sent: the last bytes must arrive first.
    if (last.length > 0) to.write(last, () => this.reset())
    else this.reset()
  }

  /** Resets the connection if a partition that is now over dropped data. */
  heal(): void {
    if (this.#holed) this.reset()
  }

  /** Drops everything from now on. */
  silence(): void {
    this.#silent = true
  }

  /** Resets the connection if it was silent. */
  unsilence(): void {
    if (this.#silent) this.reset()
  }

  get #swallowing(): boolean {
    return this.#silent || this.#options.faults.partitioned !== undefined
  }

  /** Whether bytes from that side are dropped. */
  #swallows(from: Socket): boolean {
    const { partitioned } = this.#options.faults
    if (this.#silent || partitioned === 'both') return true
    return partitioned === (from === this.#client ? 'client' : 'server')
  }

  /** Starts counting bytes for a cut or for silencing. */
  countFromNow(): void {
    this.#fromServer = 0
    this.#fromClient = 0
  }

  /** True while the client's side is open, whatever the state of the server's. */
  get open(): boolean {
    return !this.#client.destroyed
  }

  /** Resets both sides. */
  reset(): void {
    for (const line of this.#lines) line.clear()
    for (const socket of [this.#client, this.#server]) {
      // Resetting a connecting socket would wait for the connect, which may never end.
      if (socket?.connecting) socket.destroy()
      else socket?.resetAndDestroy()
    }
    this.#finish()
  }

  /** Handles a closed side. The other side is closed, too, unless the network is partitioned. */
  #lost(): void {
    if (this.#swallowing) this.#holed = true
    else this.reset()
  }

  #finishIfBothGone(): void {
    const [client, server] = [this.#client.destroyed, this.#server?.destroyed ?? true]
    if (client && server) this.#finish()
    else if (this.#swallowing) this.#holed = true
    else if (client) this.#lines[0]?.push(() => this.#server?.destroySoon())
    else if (server) this.#lines[1]?.push(() => this.#client.destroySoon())
  }

  #finish(): void {
    if (this.#over) return
    this.#over = true
    for (const line of this.#lines) line.clear()
    this.#options.closed()
  }
}

function splitEndpoint(endpoint: string): [string, string] {
  const at = endpoint.lastIndexOf(':')
  return [endpoint.slice(0, at), endpoint.slice(at + 1)]
}
