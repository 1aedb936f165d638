import { Waiters } from '../runtime/waiters.ts'
import type { RegistryError } from '../registry-error.ts'
import type { Staleness, WatchEvent } from './watch-event.ts'

// captured when this module loads, as test runners fake the global one
const { queueMicrotask } = globalThis

/** The view that all readers of a scope share. */
export interface Served<T> {
  readonly synced: boolean
  readonly stale: Staleness | undefined
  readonly entries: ReadonlyMap<string, T>
  same(a: T, b: T): boolean
}

/** Builds the net change of one key from the value last delivered to the reader and the served one. */
export type ToChange<T, Change> = (told: T | undefined, served: T | undefined) => Change

/**
 * One reader of a shared view. It stores only the keys that changed since its last event, each with
 * the value last delivered. A slow reader therefore costs bounded memory, delays no other reader, and
 * gets one merged change.
 */
export class Reader<T, Change> {
  readonly #served: Served<T>
  readonly #toChange: ToChange<T, Change>
  readonly #told = new Map<string, T | undefined>()
  #synced = false
  #toldStale = false
  #end: { readonly error?: unknown } | undefined
  readonly #waiting = new Waiters<WatchEvent<Change> | undefined>()
  #delivering = false

  constructor(served: Served<T>, toChange: ToChange<T, Change>) {
    this.#served = served
    this.#toChange = toChange
  }

  /** `key` is about to change from `before` in the served view. */
  changing(key: string, before: T | undefined, after: T | undefined): void {
    // nothing was delivered before the first sync, which will deliver everything
    if (!this.#synced) return
    if (!this.#told.has(key)) {
      this.#told.set(key, before)
      return
    }
    const told = this.#told.get(key)
    const nothing =
      told === undefined || after === undefined ? told === after : this.#served.same(told, after)
    if (nothing) this.#told.delete(key)
  }

  /** Schedules a delivery, as there may be an event. */
  wake(): void {
    if (this.#delivering || this.#waiting.size === 0) return
    this.#delivering = true
    // after the whole change, so that its parts are delivered together
    queueMicrotask(() => {
      this.#delivering = false
      this.#deliver()
    })
  }

  /** Ends the iteration: `next` resolves to `undefined`, or rejects with `error`. */
  end(error?: unknown): void {
    this.#end ??= error === undefined ? {} : { error }
    this.#told.clear()
    this.#deliver()
  }

  /** Resolves to the next event. `signal` ends this wait alone, and no handler remains. */
  async next(signal: AbortSignal | undefined): Promise<WatchEvent<Change> | undefined> {
    signal?.throwIfAborted()
    const waiting = this.#waiting.wait(undefined, signal)
    this.#deliver()
    return waiting
  }

  /** Delivers the pending events to waiting callers, in order. */
  #deliver(): void {
    while (this.#waiting.size > 0) {
      if (this.#end !== undefined) {
        if ('error' in this.#end) this.#waiting.failAll(this.#end.error)
        else this.#waiting.answerAll(undefined)
        return
      }
      const event = this.#take()
      if (event === undefined) return
      this.#waiting.answerFirst(event)
    }
  }

  #take(): WatchEvent<Change> | undefined {
    const { stale } = this.#served
    if (this.#served.synced && !this.#synced) {
      this.#synced = true
      this.#toldStale = false
      const changes = [...this.#served.entries.values()].map((value) =>
        this.#toChange(undefined, value),
      )
      return { type: 'sync', changes }
    }
    if (stale !== undefined && !this.#toldStale) {
      this.#toldStale = true
      return { type: 'stale', cause: stale.cause satisfies RegistryError }
    }
    if (!this.#synced) return undefined
    const fresh = stale === undefined && this.#toldStale
    if (fresh) this.#toldStale = false
    if (!fresh && this.#told.size === 0) return undefined
    const changes = [...this.#told].map(([key, told]) =>
      this.#toChange(told, this.#served.entries.get(key)),
    )
    this.#told.clear()
    return { type: fresh ? 'sync' : 'change', changes }
  }
}
