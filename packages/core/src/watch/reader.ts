import { abortable } from '../runtime/abort.ts'
import type { RegistryError } from '../registry-error.ts'
import type { Staleness, WatchEvent } from './watch-event.ts'

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
  #wake: PromiseWithResolvers<void> | undefined

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
    this.#wake?.resolve()
    this.#wake = undefined
  }

  /** Ends the reading: `next` gives `undefined`, or throws `error`. */
  end(error?: unknown): void {
    this.#end ??= error === undefined ? {} : { error }
    this.#told.clear()
    this.wake()
  }

  async next(signal: AbortSignal | undefined): Promise<WatchEvent<Change> | undefined> {
    for (;;) {
      signal?.throwIfAborted()
      if (this.#end !== undefined) {
        if ('error' in this.#end) throw this.#end.error
        return undefined
      }
      const event = this.#take()
      if (event !== undefined) return event
      this.#wake ??= Promise.withResolvers()
      const { promise } = this.#wake
      await (signal === undefined ? promise : abortable(promise, signal))
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
