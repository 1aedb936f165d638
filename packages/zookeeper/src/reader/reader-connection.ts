import { abortable, type DriverContext } from '@sd/core/driver'
import { barrier } from '../barrier.ts'
import { createHostRotation, createZooKeeperClient } from '../client/node-zookeeper-client.ts'
import type {
  MultiOperation,
  NodeChildren,
  NodeData,
  NodeListener,
  NodeStat,
  ZooKeeperClient,
} from '../client/zookeeper-client.ts'
import { ZooKeeperError } from '../client/zookeeper-error.ts'
import type { ZooKeeperConfig } from '../config.ts'
import { type Reads, Watches } from './watches.ts'

/** Nothing of ours depends on this session: it only has to outlive a garbage collection. */
const sessionTimeoutMs = 6_000
/** A call given up sooner says nothing about the server: its caller lost interest. */
const minSilenceMs = 250
/** With nothing heard for so long, or in so many calls in a row, the member is left. */
const maxSilenceMs = 1_000
const maxSilentCalls = 2

const connectionLoss = (message: string): ZooKeeperError =>
  new ZooKeeperError('CONNECTION_LOSS', { operation: 'read', message })

/** Which member comes next. */
export type Rotation = ReturnType<typeof createHostRotation>

export const createRotation = ({ hosts }: ZooKeeperConfig, context: DriverContext): Rotation =>
  createHostRotation({ hosts, sessionTimeoutMs, context })

/**
 * One client for reading: lists, watches and probes. It is disposable: nothing is mended on it, the
 * next call makes a new one.
 */
export class ReaderConnection implements Reads {
  readonly watches: Watches
  /** Resolves when it is connected; rejects when it will never be. */
  readonly ready: Promise<void>
  readonly #client: ZooKeeperClient
  readonly #clock: DriverContext['clock']
  readonly #lost = new AbortController()
  #lastBarrier: Promise<void> = Promise.resolve()
  #nextBarrier: Promise<void> | undefined
  #connectedMs: number | undefined
  #answers = 0
  #silentCalls = 0

  /** `rotation` is shared with the connections before and after: a member that was left comes last. */
  constructor(config: ZooKeeperConfig, context: DriverContext, rotation: Rotation) {
    this.#clock = context.clock
    this.#client = createZooKeeperClient({ ...config, sessionTimeoutMs, rotation, context })
    this.watches = new Watches(this)
    this.ready = this.#connect()
    // whoever waits for it handles it; nobody has to
    this.ready.catch(() => {})
  }

  /** Aborts when it has gone, with what ended it. */
  get lost(): AbortSignal {
    return this.#lost.signal
  }

  get(path: string, signal: AbortSignal, watch?: NodeListener): Promise<NodeData> {
    return this.#counted(this.#client.get(path, signal, watch))
  }

  exists(path: string, signal: AbortSignal, watch?: NodeListener): Promise<NodeStat | undefined> {
    return this.#counted(this.#client.exists(path, signal, watch))
  }

  children(path: string, signal: AbortSignal, watch?: NodeListener): Promise<NodeChildren> {
    return this.#counted(this.#client.children(path, signal, watch))
  }

  multi(operations: readonly MultiOperation[], signal: AbortSignal): Promise<void> {
    return this.#counted(this.#client.multi(operations, signal))
  }

  /**
   * What is read after it shows every write that was acknowledged before it was called. Calls that
   * come while one is on its way share the next: a thousand watches that attach at once cost two.
   */
  barrier(signal: AbortSignal): Promise<void> {
    this.#nextBarrier ??= this.#lastBarrier.then(() => {
      this.#nextBarrier = undefined
      const sent = this.#counted(barrier(this.#client, this.#lost.signal))
      this.#lastBarrier = sent.catch(() => {})
      return sent
    })
    return abortable(this.#nextBarrier, signal)
  }

  /**
   * Tells, when its result is called, that a call was given up: a member that let calls hang and
   * answered nothing meanwhile is left.
   */
  begin(): () => void {
    const beganMs = this.#clock.monotonicMs()
    const answers = this.#answers
    return () => {
      // while it is connecting, the client itself tries one host after the other
      if (this.#connectedMs === undefined || this.#answers !== answers) return
      const silentMs = this.#clock.monotonicMs() - Math.max(beganMs, this.#connectedMs)
      if (silentMs < minSilenceMs) return
      this.#silentCalls++
      if (silentMs >= maxSilenceMs || this.#silentCalls >= maxSilentCalls)
        this.leave(connectionLoss(`the server was silent for ${Math.round(silentMs)} ms`))
    }
  }

  /** Ends it and everything on it, without waiting. The server drops a session like this by itself. */
  leave(reason: unknown): void {
    if (this.#lost.signal.aborted) return
    this.#lost.abort(reason)
    this.#client.close(this.#lost.signal).catch(() => {})
  }

  /** The same, and says goodbye to the server if it listens for so long. */
  async end(reason: unknown, patienceMs: number): Promise<void> {
    if (this.#lost.signal.aborted) return
    this.#lost.abort(reason)
    const patience = new AbortController()
    const timer = this.#clock.setTimer(patienceMs, () => patience.abort(reason))
    if (this.#connectedMs === undefined) patience.abort(reason)
    await this.#client.close(patience.signal).catch(() => {})
    timer.cancel()
  }

  async #connect(): Promise<void> {
    try {
      await this.#client.connect(this.#lost.signal)
    } catch (error) {
      this.leave(error)
      throw error
    }
    this.#connectedMs = this.#clock.monotonicMs()
    const gone = (): void =>
      this.leave(this.#client.ended.reason ?? connectionLoss('the connection was lost'))
    if (this.#client.state === 'connected') this.#client.onState(gone)
    else gone()
  }

  async #counted<T>(call: Promise<T>): Promise<T> {
    try {
      const result = await call
      this.#heard()
      return result
    } catch (error) {
      // a refusal is an answer, too
      if (error instanceof ZooKeeperError && error.code !== 'CONNECTION_LOSS') this.#heard()
      throw error
    }
  }

  #heard(): void {
    this.#answers++
    this.#silentCalls = 0
  }
}
