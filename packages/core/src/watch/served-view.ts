import type { CallContext } from '../driver/call-context.ts'
import type { Observation } from '../driver/registry-driver.ts'
import type { InstanceRecord } from '../model/instance-record.ts'
import type { RegistryError } from '../registry-error.ts'
import { holdMs } from '../runtime/timing.ts'
import { LossProtection, type LossProtectionSettings } from './loss-protection.ts'
import type { Staleness } from './watch-event.ts'

// captured when this module loads, as test runners fake the global one
const { queueMicrotask } = globalThis

/** What the watch engines of a registry share. */
export interface WatchContext extends CallContext {
  readonly lossProtection: LossProtectionSettings | undefined
}

type ViewContext = Pick<WatchContext, 'clock' | 'backoff' | 'lossProtection' | 'publish'>

/** A key's new value, or its removal with the ttl of its owner, if the record had one. */
export type Touch<T> =
  | { readonly value: T }
  | { readonly value: undefined; readonly ttlMs: number | undefined }

/** What an observation changed in a view. */
export type Touched<T> = ReadonlyMap<string, Touch<T>>

/** The backend's state of a scope, keyed for readers: by id, by service and id, or by name. */
export interface View<T, Change> {
  /** Applies a snapshot or changes; returns only keys whose value really changed. */
  apply(observation: Exclude<Observation, { type: 'alive' }>): Touched<T>
  same(a: T, b: T): boolean
  /** The net change of one key from the value last delivered to a reader to the served one. */
  toChange(told: T | undefined, served: T | undefined): Change
  /** The record that is served under `key`, in a view of instances. */
  record?(key: string): InstanceRecord | undefined
}

/** How many keys of a served view were added, updated and removed. */
export interface ChangeCounts {
  readonly added: number
  readonly updated: number
  readonly removed: number
}

/** Follows what a view serves, for one reader. */
export interface ViewListener<T> {
  /** `key` is about to change from `before` to `after`. */
  changing(key: string, before: T | undefined, after: T | undefined): void
  /** There may be an event; called after the whole change, so that its parts are told together. */
  wake(): void
  /** The view ends, because of `error` if there is one. */
  end(error?: unknown): void
}

/**
 * What readers of one scope see: the backend's view plus what loss protection holds. The cost of a
 * change is the number of its keys times the number of readers, whatever the size of the view.
 */
export class ServedView<T, Change> {
  readonly #context: ViewContext
  readonly #view: View<T, Change>
  readonly #onUnused: () => void
  readonly #protection: LossProtection | undefined
  readonly #entries = new Map<string, T>()
  readonly #readers = new Set<ViewListener<T>>()
  #synced = false
  #stale: Staleness | undefined
  #version = 0
  #counts = { added: 0, updated: 0, removed: 0 }
  #waking = false
  #lastChange:
    | { readonly told: unknown; readonly served: unknown; readonly change: Change }
    | undefined
  #materialised: { readonly version: number; readonly values: readonly T[] } | undefined

  /** `onUnused` is called when the last reader has left. */
  constructor(context: ViewContext, view: View<T, Change>, onUnused: () => void) {
    this.#context = context
    this.#view = view
    this.#onUnused = onUnused
    this.#protection =
      context.lossProtection === undefined ? undefined : new LossProtection(context.lossProtection)
  }

  get synced(): boolean {
    return this.#synced
  }
  get stale(): Staleness | undefined {
    return this.#stale
  }
  get entries(): ReadonlyMap<string, T> {
    return this.#entries
  }
  get held(): readonly string[] {
    return this.#protection?.held() ?? []
  }
  get heldCount(): number {
    return this.#protection?.heldCount ?? 0
  }
  get readers(): number {
    return this.#readers.size
  }

  same(a: T, b: T): boolean {
    return this.#view.same(a, b)
  }

  toChange(told: T | undefined, served: T | undefined): Change {
    return this.#view.toChange(told, served)
  }

  /** {@link toChange}, one object for all readers that were told the same: often all of them. */
  sharedChange(told: T | undefined, served: T | undefined): Change {
    const last = this.#lastChange
    if (last !== undefined && last.told === told && last.served === served) return last.change
    const change = this.#view.toChange(told, served)
    this.#lastChange = { told, served, change: Object.freeze(change) }
    return change
  }

  /** The backend's record of an instance; `undefined` also for one that is only held. */
  record(key: string): InstanceRecord | undefined {
    return this.#view.record?.(key)
  }

  /** All values, built once for each version and shared by all callers. */
  values(): readonly T[] {
    if (this.#materialised?.version !== this.#version)
      this.#materialised = {
        version: this.#version,
        values: Object.freeze([...this.#entries.values()]),
      }
    return this.#materialised.values
  }

  attach(reader: ViewListener<T>): void {
    this.#readers.add(reader)
  }

  detach(reader: ViewListener<T>): void {
    this.#readers.delete(reader)
    if (this.#readers.size === 0) this.#onUnused()
  }

  /** Ends every reader, with `error` if there is one. */
  end(error?: RegistryError): void {
    for (const reader of this.#readers) reader.end(error)
  }

  /** Opens the recovery window on a sign of trouble. */
  trouble(): void {
    if (this.#synced) this.#protection?.trouble(this.#entries.size)
  }

  markStale(staleness: Staleness): void {
    if (this.#stale === undefined) {
      this.#stale = staleness
      this.#wakeReaders()
    } else if (!staleness.cause.retryable) {
      // what only a person can fix says more than the failure that came first
      this.#stale = { ...this.#stale, cause: staleness.cause }
    }
  }

  /** Confirms that the stream is attached and complete. */
  confirm(): void {
    // reading the clock takes as long as some of the other steps of a change
    if (this.#protection?.troubled === true)
      this.#protection.confirm(this.#context.clock.monotonicMs())
    if (this.#stale === undefined) return
    this.#stale = undefined
    this.#wakeReaders()
  }

  apply(observation: Exclude<Observation, { type: 'alive' }>): void {
    const touched = this.#view.apply(observation)
    const here: string[] = []
    const gone: string[] = []
    for (const [key, { value }] of touched) (value === undefined ? gone : here).push(key)
    const removed = this.#protect(touched, here, gone)
    for (const [key, { value }] of touched) if (value !== undefined) this.#set(key, value)
    for (const key of removed) this.#set(key, undefined)
    const first = !this.#synced
    this.#synced = true
    if (touched.size > 0 || first) this.#wakeReaders()
  }

  /** Removes keys whose hold has ended; returns when the next hold ends. */
  expireHolds(): number {
    if (this.#protection === undefined || this.#protection.idle) return Number.POSITIVE_INFINITY
    const over = this.#protection.expire(this.#context.clock.monotonicMs())
    for (const key of over) this.#set(key, undefined)
    if (over.length > 0) this.#wakeReaders()
    return this.#protection.nextExpiryMs()
  }

  /** The changes since the last call; `undefined` if there are none. */
  takeCounts(): ChangeCounts | undefined {
    const counts = this.#counts
    if (counts.added + counts.updated + counts.removed === 0) return undefined
    this.#counts = { added: 0, updated: 0, removed: 0 }
    return counts
  }

  /** Decides which of the keys that are gone are removed now. */
  #protect(
    touched: Touched<T>,
    here: readonly string[],
    gone: readonly string[],
  ): readonly string[] {
    const { lossProtection, backoff, clock, publish } = this.#context
    if (this.#protection === undefined || lossProtection === undefined) return gone
    if (this.#protection.idle) return gone
    const removed = this.#protection.judge(
      { here, gone },
      (key) => this.#entries.has(key),
      (key) => {
        const touch = touched.get(key)
        const ttlMs = touch !== undefined && 'ttlMs' in touch ? (touch.ttlMs ?? 0) : 0
        return holdMs(ttlMs, backoff.maxMs, lossProtection)
      },
      clock.monotonicMs(),
    )
    if (removed.length < gone.length)
      publish('watch', 'warn', 'removals-held', 'removals are held by loss protection', {
        held: gone.length - removed.length,
      })
    return removed
  }

  #set(key: string, value: T | undefined): void {
    const before = this.#entries.get(key)
    if (
      value === undefined ? before === undefined : before !== undefined && this.same(before, value)
    )
      return
    for (const reader of this.#readers) reader.changing(key, before, value)
    this.#counts[value === undefined ? 'removed' : before === undefined ? 'added' : 'updated'] += 1
    if (value === undefined) this.#entries.delete(key)
    else this.#entries.set(key, value)
    this.#version += 1
  }

  #wakeReaders(): void {
    if (this.#waking) return
    this.#waking = true
    queueMicrotask(() => {
      this.#waking = false
      for (const reader of this.#readers) reader.wake()
    })
  }
}
