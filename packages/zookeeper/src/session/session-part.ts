import type { DriverContext } from '@sd/core/driver'
import { barrier, heartbeat } from '../client/round-trips.ts'
import type { ZooKeeperClient } from '../client/zookeeper-client.ts'
import { isCode } from '../client/zookeeper-error.ts'
import { zookeeperError } from '../errors.ts'
import type { Keys } from '../keys.ts'
import type { Reader } from '../reader/reader.ts'

/** State that the parts of one driver's sessions share. */
export interface PartContext {
  readonly keys: Keys
  readonly clock: DriverContext['clock']
  /** Shows whether a server answers after a part's own client has ended. */
  readonly reader: Reader
  /** What the driver's connections last saw, for errors. */
  readonly lastSeen: () => string | undefined
}

/**
 * The most bytes of paths in one ZooKeeper session. Its end is one transaction that lists the paths of
 * all its nodes (`CloseSessionTxn`). Servers write that transaction whatever its size, and cannot read
 * one above twice `jute.maxbuffer` (1,048,575 bytes by default) again: they never start any more.
 */
export const maxPathBytes: number = 512 * 1024

/** How long a server may send nothing while a request waits for its answer. */
const maxSilenceMs = 1_000
/** Longer than it takes to read what has arrived. */
const readingMs = 50

/** The size of a path in the transaction: a length of 32 bits, then UTF-8. */
export const pathBytesOf = (path: string): number => 4 + Buffer.byteLength(path)

/** One ZooKeeper session on its own connection, a part of a `ZooKeeperSession`. */
export class SessionPart {
  /** Hexadecimal, as ZooKeeper's own tools show it. */
  readonly id: string
  readonly grantedTtlMs: number
  readonly client: ZooKeeperClient
  /** The size of the paths placed in it. */
  pathBytes = 0
  readonly #context: PartContext
  readonly #abandoned = new AbortController()
  #loss: unknown
  #answers = 0
  #closing: Promise<void> | undefined
  #answeringSinceMs: number | undefined
  #over = false
  #onLost: ((part: SessionPart) => void) | undefined

  /** `client` is connected. */
  constructor(client: ZooKeeperClient, context: PartContext) {
    this.id = client.sessionId
    this.grantedTtlMs = client.sessionTimeoutMs
    this.client = client
    this.#context = context
  }

  /** Calls `listener` once, when the ZooKeeper session has ended by itself; at once if it has. */
  onLost(listener: (part: SessionPart) => void): void {
    const { ended } = this.client
    this.#onLost = listener
    ended.addEventListener('abort', () => this.#lose(ended.reason), { once: true })
    if (ended.aborted) this.#lose(ended.reason)
  }

  /** Why it has ended by itself, if it has. */
  get loss(): unknown {
    return this.#loss
  }

  get isConnected(): boolean {
    return this.client.state === 'connected'
  }

  /**
   * Makes calls on its connection, under `signal`. When it aborts them, and the server sends nothing, the
   * part moves to another server: it is then early enough for the session to survive.
   */
  async run<T>(work: (client: ZooKeeperClient) => Promise<T>, signal: AbortSignal): Promise<T> {
    try {
      const result = await work(this.client)
      this.#answers++
      return result
    } catch (error) {
      if (isCode(error, 'SESSION_EXPIRED')) this.#lose(error)
      if (signal.aborted) this.#leaveIfSilent()
      throw error
    }
  }

  /** Later reads on its connection show every write that was acknowledged before the call. */
  barrier(signal: AbortSignal): Promise<void> {
    return this.run((client) => barrier(client, signal), signal)
  }

  /** A heartbeat behind a large answer moves to another server as well, as it would come too late. */
  async renew(signal: AbortSignal): Promise<void> {
    const answers = this.#answers
    const { clock } = this.#context
    const sinceMs = clock.monotonicMs()
    try {
      await this.run((client) => heartbeat(client, signal), signal)
      this.client.kept?.renewed(sinceMs)
    } catch (error) {
      // one that the caller aborts sooner is no sign of a slow server
      const isLate = signal.aborted && clock.monotonicMs() - sinceMs >= this.grantedTtlMs / 10
      if (isLate && answers === this.#answers) this.client.reconnect()
      throw error
    }
  }

  /**
   * Resolves when a server has confirmed the end of the ZooKeeper session. If none did before the
   * client gave up, resolves one and a half ttl after servers answer again: a frozen server may, when
   * it resumes, process the requests in its sockets, and then keep the session for one more ttl.
   */
  async close(signal: AbortSignal): Promise<void> {
    if (this.#over) return
    // not under `signal`: closing continues between the calls
    this.#closing ??= this.client.close(this.#abandoned.signal)
    await this.#closing
    if (isCode(this.client.ended.reason, 'OPERATION_TIMEOUT')) await this.#waitOut(signal)
    this.#over = true
  }

  /** Releases the client without ending the ZooKeeper session, which expires after its timeout. */
  abandon(reason: unknown): void {
    this.#abandoned.abort(reason)
    this.client.close(this.#abandoned.signal).catch(() => {})
  }

  #leaveIfSilent(): void {
    const limitMs = Math.min(maxSilenceMs, this.grantedTtlMs / 10)
    const isSilent = (): boolean => this.client.unansweredMs >= limitMs
    if (!isSilent()) return
    // where the event loop was blocked, the answer may have arrived and not been read
    this.#context.clock.setTimer(readingMs, () => {
      if (isSilent()) this.client.reconnect()
    })
  }

  async #waitOut(signal: AbortSignal): Promise<void> {
    const { reader, clock } = this.#context
    await reader.call('close', signal, (connection) => connection.barrier(signal))
    const nowMs = clock.monotonicMs()
    this.#answeringSinceMs ??= nowMs
    const leftMs = this.#answeringSinceMs + 1.5 * this.grantedTtlMs - nowMs
    if (leftMs <= 0) return
    const message = `the session ${this.id} may stay alive for ${Math.ceil(leftMs)} ms`
    throw zookeeperError('unavailable', 'close', message)
  }

  #lose(reason: unknown): void {
    if (this.#loss !== undefined) return
    this.#loss = reason
    this.#onLost?.(this)
  }
}
