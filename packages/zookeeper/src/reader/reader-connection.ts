import { abortable, type DriverContext, type Progress } from '@sd/core/driver'
import { barrier } from '../client/round-trips.ts'
import { createHostRotation, createZooKeeperClient } from '../client/create-client.ts'
import type {
  LastSeen,
  MultiOperation,
  NodeChildren,
  NodeData,
  NodeListener,
  NodeStat,
  ReadOperation,
  ReadOutcome,
  TreeListener,
  ZooKeeperClient,
} from '../client/zookeeper-client.ts'
import type { ReleaseCheck } from '../client/release-check.ts'
import { ZooKeeperError } from '../client/zookeeper-error.ts'
import type { ZooKeeperConfig } from '../config.ts'
import { type TreeCalls, TreeWatches } from './tree-watches.ts'
import { type Reads, Watches } from './watches.ts'

/** No record depends on this session: it only has to outlast a garbage collection. */
const sessionTimeoutMs = 6_000
/** A call that its caller aborts sooner than this is no sign of a silent server. */
const minSilenceMs = 250
/** A member is dropped when it answers nothing for so long, or in so many calls in a row. */
const maxSilenceMs = 1_000
const maxSilentCalls = 2

const connectionLoss = (message: string): ZooKeeperError =>
  new ZooKeeperError('CONNECTION_LOSS', { operation: 'read', message })

/** Chooses the next member. */
export type Rotation = ReturnType<typeof createHostRotation>

export const createRotation = ({ hosts }: ZooKeeperConfig, context: DriverContext): Rotation =>
  createHostRotation({ hosts, sessionTimeoutMs, context })

/** One client for lists, watches and probes. It is never repaired: after a failure a call makes another. */
export class ReaderConnection implements Reads, TreeCalls {
  readonly watches: Watches
  readonly trees: TreeWatches
  /** Resolves when it is connected; rejects when it failed to connect. */
  readonly ready: Promise<void>
  readonly #client: ZooKeeperClient
  readonly #release: ReleaseCheck
  readonly #clock: DriverContext['clock']
  readonly #lost = new AbortController()
  #lastBarrier: Promise<void> = Promise.resolve()
  #nextBarrier: Promise<void> | undefined
  readonly #listeners = new Set<Progress>()
  #connectedMs: number | undefined
  #answers = 0
  #silentCalls = 0
  #checked: Promise<void> | undefined

  /** `rotation` is shared with earlier and later connections: a dropped member comes last. */
  constructor(
    config: ZooKeeperConfig,
    context: DriverContext,
    rotation: Rotation,
    release: ReleaseCheck,
  ) {
    this.#release = release
    this.#clock = context.clock
    // an answer may hold 64 records, or the names of thousands
    const onPart = (): void => this.#heard()
    this.#client = createZooKeeperClient({ ...config, sessionTimeoutMs, rotation, context, onPart })
    this.watches = new Watches(this)
    this.trees = new TreeWatches(this, this.#lost.signal)
    this.ready = this.#connect()
    // waiting callers handle the rejection; there may be none
    this.ready.catch(() => {})
  }

  get lastSeen(): LastSeen {
    return this.#client.lastSeen
  }

  /** Aborts when the connection has ended, with the reason. */
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

  multiRead(reads: readonly ReadOperation[], signal: AbortSignal): Promise<readonly ReadOutcome[]> {
    return this.#counted(this.#client.multiRead(reads, signal))
  }

  addWatch(path: string, listener: TreeListener, signal: AbortSignal): Promise<void> {
    return this.#counted(this.#client.addWatch(path, listener, signal))
  }

  removeWatches(path: string, signal: AbortSignal): Promise<void> {
    return this.#counted(this.#client.removeWatches(path, signal))
  }

  multi(
    operations: readonly MultiOperation[],
    signal: AbortSignal,
  ): ReturnType<ZooKeeperClient['multi']> {
    return this.#counted(this.#client.multi(operations, signal))
  }

  /**
   * Later reads show every write that was acknowledged before the call. Calls during a barrier
   * share the next one: a thousand watches that attach at once cost two.
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

  /** Begins `work` once it is connected. Rejects with the reason if the server is too old for it. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    await this.ready
    const result = work()
    result.catch(() => {})
    // answered before the first request of `work`, in the same round trip
    await this.#checked
    return result
  }

  /**
   * Returns a function to call when the caller has given up a call. It drops a member that answered
   * nothing meanwhile.
   */
  begin(): () => void {
    const beganMs = this.#clock.monotonicMs()
    const answers = this.#answers
    return () => {
      // while connecting, the client itself tries one host after the other
      if (this.#connectedMs === undefined || this.#answers !== answers) return
      const silentMs = this.#clock.monotonicMs() - Math.max(beganMs, this.#connectedMs)
      if (silentMs < minSilenceMs) return
      this.#silentCalls++
      if (silentMs >= maxSilenceMs || this.#silentCalls >= maxSilentCalls)
        this.leave(connectionLoss(`the server did not answer for ${Math.round(silentMs)} ms`))
    }
  }

  /** Calls `progress` for each answer, and each part of one, until the result is called. All answers share the connection. */
  onAnswer(progress: Progress = () => {}): () => void {
    this.#listeners.add(progress)
    return () => this.#listeners.delete(progress)
  }

  /** Ends the connection and everything on it, without waiting. The server ends the session after its timeout. */
  leave(reason: unknown): void {
    if (this.#lost.signal.aborted) return
    this.#lost.abort(reason)
    this.#client.close(this.#lost.signal).catch(() => {})
  }

  /** The same, but asks the server to end the session, and waits up to `timeoutMs` for it. */
  async end(reason: unknown, timeoutMs: number): Promise<void> {
    if (this.#lost.signal.aborted) return
    this.#lost.abort(reason)
    const timeout = new AbortController()
    const timer = this.#clock.setTimer(timeoutMs, () => timeout.abort(reason))
    if (this.#connectedMs === undefined) timeout.abort(reason)
    await this.#client.close(timeout.signal).catch(() => {})
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
    this.#checked = this.#release.check(this.#client)
    this.#checked.catch(() => {})
    const gone = (): void =>
      this.leave(this.#client.ended.reason ?? connectionLoss(this.lastSeen.text))
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
    for (const progress of this.#listeners) progress()
  }
}
