import { abortable, messageOf, type RegistryError, sleep } from '@sd/core/driver'
import type { ZooKeeperClient } from '../client/zookeeper-client.ts'
import { zookeeperError } from '../errors.ts'
import { maxPathBytes, type PartContext, pathBytesOf, SessionPart } from './session-part.ts'

/** How long writes wait for a further part; it goes on being opened afterwards. */
const openPatienceMs = 1_000

/** Opens a further ZooKeeper session. */
export type ConnectPart = (signal: AbortSignal) => Promise<ZooKeeperClient>

/** Receives the events of the parts. */
export interface PartsListener {
  added(part: SessionPart): void
  /** A part has ended by itself. */
  lost(part: SessionPart): void
}

interface Opening {
  readonly part: Promise<SessionPart>
  /** Rejects when writes should not wait for the part any longer. */
  readonly late: Promise<never>
}

/**
 * The ZooKeeper sessions of one `ZooKeeperSession`, and in which of them each record is placed. A
 * further one is opened when the paths of the records no longer fit into those that there are.
 */
export class SessionParts {
  readonly #context: PartContext
  readonly #connect: ConnectPart
  readonly #listener: PartsListener
  readonly #all: SessionPart[] = []
  readonly #placed = new Map<string, SessionPart>()
  readonly #ended = new AbortController()
  #opening: Opening | undefined

  constructor(context: PartContext, connect: ConnectPart, listener: PartsListener) {
    this.#context = context
    this.#connect = connect
    this.#listener = listener
  }

  /** Adds a part on a connected client. */
  add(client: ZooKeeperClient): SessionPart {
    const part = new SessionPart(client, this.#context)
    this.#all.push(part)
    this.#listener.added(part)
    part.onLost((lost) => this.#listener.lost(lost))
    return part
  }

  /** All of them, also those that have ended. */
  get all(): readonly SessionPart[] {
    return this.#all
  }

  get live(): readonly SessionPart[] {
    return this.#all.filter(({ loss }) => loss === undefined)
  }

  /** The part for what is placed in none: a connected one if possible. Throws the loss of the last part. */
  anyLive(): SessionPart {
    const { live } = this
    const part = live.find(({ isConnected }) => isConnected) ?? live[0]
    if (part === undefined) throw this.#all.at(-1)?.loss
    return part
  }

  /** The part in which a key is placed, also if it has ended. */
  placeOf(key: string): SessionPart | undefined {
    return this.#placed.get(key)
  }

  /**
   * Places keys in live parts, and opens further ones as needed. Returns the part of each key, and
   * why the others have none. Rejects only when the signal aborts.
   */
  async place(
    keys: readonly string[],
    signal: AbortSignal,
  ): Promise<{
    readonly placed: Map<string, SessionPart>
    readonly refusal: RegistryError | undefined
  }> {
    const placed = new Map<string, SessionPart>()
    for (;;) {
      for (const key of keys) {
        const part = placed.get(key) ?? this.#fit(key)
        if (part !== undefined) placed.set(key, part)
      }
      if (placed.size === keys.length) return { placed, refusal: undefined }
      try {
        await abortable(this.#further(), signal)
      } catch (refusal) {
        if (signal.aborted) throw signal.reason
        return { placed, refusal: this.#full(refusal) }
      }
    }
  }

  /** No record is stored under the key in this session. */
  unplace(key: string): void {
    const part = this.#placed.get(key)
    if (part === undefined) return
    this.#placed.delete(key)
    part.pathBytes -= pathBytesOf(this.#context.keys.path(key))
  }

  /** Opens no further part; one that is being opened is abandoned, or closed with the others. */
  async end(reason: unknown): Promise<void> {
    this.#ended.abort(reason)
    await this.#opening?.part.catch(() => {})
  }

  #fit(key: string): SessionPart | undefined {
    const before = this.#placed.get(key)
    if (before !== undefined && before.loss === undefined) return before
    const bytes = pathBytesOf(this.#context.keys.path(key))
    const part = this.live.find(({ pathBytes }) => pathBytes + bytes <= maxPathBytes)
    if (part === undefined) return undefined
    this.unplace(key)
    this.#placed.set(key, part)
    part.pathBytes += bytes
    return part
  }

  #further(): Promise<SessionPart> {
    this.#opening ??= this.#open()
    const { part, late } = this.#opening
    return Promise.race([part, late])
  }

  #open(): Opening {
    const over = new AbortController()
    const open = async (): Promise<SessionPart> => {
      try {
        return this.add(await this.#connect(this.#ended.signal))
      } finally {
        this.#opening = undefined
        over.abort()
      }
    }
    const part = open()
    const late = sleep(this.#context.clock, openPatienceMs, over.signal).then(() => {
      const seen = this.#context.lastSeen() ?? 'the servers did not answer'
      throw new Error(`not open within ${openPatienceMs} ms; ${seen}`)
    })
    part.catch(() => {})
    late.catch(() => {})
    return { part, late }
  }

  #full(cause: unknown): RegistryError {
    const count = this.live.length
    const message = `the instances of this process fill ${count} ZooKeeper session${count === 1 ? '' : 's'} of ${maxPathBytes} bytes of paths each, and another one could not be opened (${messageOf(cause)}); raise maxClientCnxns of the servers, use shorter ids and names of services, or register from more processes and hosts`
    return zookeeperError('unavailable', 'put', message)
  }
}
