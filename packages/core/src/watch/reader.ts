import { Waiters } from '../runtime/waiters.ts'
import type { RegistryError } from '../registry-error.ts'
import type { Staleness, WatchEvent } from './watch-event.ts'

// taken when this module loads: test runners fake the global one
const { queueMicrotask } = globalThis

/** What a reader reads from: the view that all readers of a scope share. */
export interface Served<T> {
  readonly synced: boolean
  readonly stale: Staleness | undefined
  readonly entries: ReadonlyMap<string, T>
  same(a: T, b: T): boolean
}

/** The net difference of one key between what the reader was told and what is served. */
export type ToChange<T, Change> = (told: T | undefined, served: T | undefined) => Change

/**
 * One reader of a shared view. It holds only the keys that changed since it last looked, each
 * with what it was told of it, so that a slow reader costs bounded memory, delays nobody, and gets
 * one merged change.
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
    // before its first sync a reader was told nothing, and the sync will tell it everything
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

  /** Something may be there to be told. */
  wake(): void {
    if (this.#delivering || this.#waiting.size === 0) return
    this.#delivering = true
    // after all of the change: what belongs together is told together
    queueMicrotask(() => {
      this.#delivering = false
      this.#deliver()
    })
  }

  /** Ends the reading: `next` gives `undefined`, or throws `error`. */
  end(error?: unknown): void {
    this.#end ??= error === undefined ? {} : { error }
    this.#told.clear()
    this.#deliver()
  }

  /** The next event, when there is one. `signal` ends this wait alone, and leaves nothing behind. */
  async next(signal: AbortSignal | undefined): Promise<WatchEvent<Change> | undefined> {
    signal?.throwIfAborted()
    const waiting = this.#waiting.wait(undefined, signal)
    this.#deliver()
    return waiting
  }

  /** Answers those who wait, in their order, with what there is to tell. */
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
    if (!this.#served.synced) return undefined
    if (!this.#synced) {
      this.#synced = true
      const changes = [...this.#served.entries.values()].map((value) =>
        this.#toChange(undefined, value),
      )
      return { type: 'sync', changes }
    }
    const { stale } = this.#served
    if (stale !== undefined && !this.#toldStale) {
      this.#toldStale = true
      return { type: 'stale', cause: stale.cause satisfies RegistryError }
    }
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
