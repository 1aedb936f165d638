import type { CallContext } from '../driver/call-context.ts'
import type { Observation } from '../driver/registry-driver.ts'
import type { InstanceRecord } from '../model/instance-record.ts'
import type { RegistryError } from '../registry-error.ts'
import { holdMs } from '../runtime/timing.ts'
import { LossProtection, type LossProtectionSettings } from './loss-protection.ts'
import type { Staleness, WatchEvent } from './watch-event.ts'

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
export interface ViewListener<T, Change> {
  /**
   * The view has changed: the keys, each with its value at the last call. `event` returns what to tell
   * whoever was told everything before; it is one object for all of them.
   */
  changed(changed: ReadonlyMap<string, T | undefined>, event: () => WatchEvent<Change>): void
  /** There may be an event other than changes. */
  wake(): void
  /** The view ends, because of `error` if there is one. */
  end(error?: unknown): void
}

/**
 * What readers of one scope see: the backend's view plus what loss protection holds. The cost of a
 * change is that of its keys and of waking the readers, whatever the size of the view.
 */
export class ServedView<T, Change> {
  readonly #context: ViewContext
  readonly #view: View<T, Change>
  readonly #onUnused: () => void
  readonly #protection: LossProtection | undefined
  readonly #entries = new Map<string, T>()
  readonly #readers = new Set<ViewListener<T, Change>>()
  /** What changed since readers were last told, with the value that they were told. */
  #changed = new Map<string, T | undefined>()
  #synced = false
  #stale: Staleness | undefined
  #version = 0
  #counts = { added: 0, updated: 0, removed: 0 }
  #waking = false
  #wakingAll = false
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

  /** Whether a key that went from one value to the other has not changed. */
  isSame(a: T | undefined, b: T | undefined): boolean {
    return a === undefined || b === undefined ? a === b : this.#view.same(a, b)
  }

  toChange(told: T | undefined, served: T | undefined): Change {
    return this.#view.toChange(told, served)
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

  attach(reader: ViewListener<T, Change>): void {
    this.#readers.add(reader)
  }

  detach(reader: ViewListener<T, Change>): void {
    this.#readers.delete(reader)
    if (this.#readers.size === 0) this.#onUnused()
  }

  /** Tells every reader what changed, after whole observations, so that their parts are told together. */
  tell(): void {
    if (this.#changed.size === 0) return
    const changed = this.#changed
    this.#changed = new Map()
    let event: WatchEvent<Change> | undefined
    const eventOf = (): WatchEvent<Change> => {
      const changes = (): readonly Change[] =>
        Array.from(changed, ([key, told]) =>
          Object.freeze(this.toChange(told, this.#entries.get(key))),
        )
      return (event ??= Object.freeze({ type: 'change', changes: Object.freeze(changes()) }))
    }
    for (const reader of this.#readers) reader.changed(changed, eventOf)
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
    if (touched.size > 0 || first) this.#wakeReaders(first)
  }

  /** Removes keys whose hold has ended; returns when the next hold ends. */
  expireHolds(): number {
    if (this.#protection === undefined || this.#protection.idle) return Number.POSITIVE_INFINITY
    const over = this.#protection.expire(this.#context.clock.monotonicMs())
    for (const key of over) this.#set(key, undefined)
    if (over.length > 0) this.#wakeReaders(false)
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
    if (this.isSame(before, value)) return
    if (this.#synced) this.#note(key, before, value)
    this.#counts[value === undefined ? 'removed' : before === undefined ? 'added' : 'updated'] += 1
    if (value === undefined) this.#entries.delete(key)
    else this.#entries.set(key, value)
    this.#version += 1
  }

  /** Readers are told nothing before the first sync, and then everything. */
  #note(key: string, before: T | undefined, value: T | undefined): void {
    if (!this.#changed.has(key)) this.#changed.set(key, before)
    else if (this.isSame(this.#changed.get(key), value)) this.#changed.delete(key)
  }

  /** `all`: there is more to tell than changes. */
  #wakeReaders(all = true): void {
    this.#wakingAll ||= all
    if (this.#waking) return
    this.#waking = true
    queueMicrotask(() => {
      this.#waking = false
      this.tell()
      if (!this.#wakingAll) return
      this.#wakingAll = false
      for (const reader of this.#readers) reader.wake()
    })
  }
}
