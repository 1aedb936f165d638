import { holdMs } from '../runtime/timing.ts'
import { LossProtection } from './loss-protection.ts'
import type { Reader, Served } from './reader.ts'
import type { Touched, View } from './view.ts'
import type { Staleness } from './watch-event.ts'
import type { WatchContext } from './watch-context.ts'
import type { Observation } from '../driver/registry-driver.ts'

/**
 * What readers of one scope see: the backend's view plus what loss protection holds. The cost of a
 * change is the number of its keys times the number of readers, whatever the size of the view.
 */
export class ServedView<T, Change> implements Served<T> {
  readonly #context: WatchContext
  readonly #view: View<T>
  readonly #protection: LossProtection | undefined
  readonly #entries = new Map<string, T>()
  readonly #readers = new Set<Reader<T, Change>>()
  #synced = false
  #stale: Staleness | undefined
  #version = 0
  #materialised: { readonly version: number; readonly values: readonly T[] } | undefined

  constructor(context: WatchContext, view: View<T>) {
    this.#context = context
    this.#view = view
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
  get readers(): ReadonlySet<Reader<T, Change>> {
    return this.#readers
  }

  same(a: T, b: T): boolean {
    return this.#view.same(a, b)
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

  attach(reader: Reader<T, Change>): void {
    this.#readers.add(reader)
  }

  detach(reader: Reader<T, Change>): void {
    this.#readers.delete(reader)
  }

  /** Opens the recovery window on a sign of trouble. */
  trouble(): void {
    if (this.#synced)
      this.#protection?.trouble(this.#entries.size, this.#context.clock.monotonicMs())
  }

  markStale(staleness: Staleness): void {
    if (this.#stale !== undefined) return
    this.#stale = staleness
    this.#wakeReaders()
  }

  /** Confirms that the stream is attached and complete. */
  confirm(): void {
    this.#protection?.confirm(this.#context.clock.monotonicMs())
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
    if (this.#protection === undefined) return Number.POSITIVE_INFINITY
    const over = this.#protection.expire(this.#context.clock.monotonicMs())
    for (const key of over) this.#set(key, undefined)
    if (over.length > 0) this.#wakeReaders()
    return this.#protection.nextExpiryMs()
  }

  /** Decides which of the keys that are gone are removed now. */
  #protect(
    touched: Touched<T>,
    here: readonly string[],
    gone: readonly string[],
  ): readonly string[] {
    const { lossProtection, backoff, clock, publish } = this.#context
    if (this.#protection === undefined || lossProtection === undefined) return gone
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
    if (value === undefined) this.#entries.delete(key)
    else this.#entries.set(key, value)
    this.#version += 1
  }

  #wakeReaders(): void {
    for (const reader of this.#readers) reader.wake()
  }
}
