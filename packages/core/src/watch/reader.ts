import { Iteration } from '../runtime/iteration.ts'
import { Waiters } from '../runtime/waiters.ts'
import type { ServedView, ViewListener } from './served-view.ts'
import type { Staleness, WatchEvent } from './watch-event.ts'

/**
 * One reader of a shared view: the common part of all watchers. It stores only the keys that changed
 * since its last event, each with the value last delivered. A slow reader therefore costs bounded
 * memory, delays no other reader, and gets one merged change.
 */
export class Reader<T, Change> {
  protected readonly served: ServedView<T, Change>
  readonly #signal: AbortSignal | undefined
  readonly #listener: ViewListener<T, Change> = {
    changed: (changed, event) => this.#changed(changed, event),
    wake: () => this.#deliver(),
    end: (error) => this.#end(error),
  }
  readonly #told = new Map<string, T | undefined>()
  #synced = false
  #toldStale = false
  #ended: { readonly error?: unknown } | undefined
  readonly #waiting = new Waiters<WatchEvent<Change> | undefined>()
  #left = false
  readonly #abort = (): void => this.#leave(this.#signal?.reason)

  /** Aborting `signal` ends the reader with its reason. */
  constructor(served: ServedView<T, Change>, signal: AbortSignal | undefined) {
    this.served = served
    this.#signal = signal
    served.attach(this.#listener)
    if (signal?.aborted === true) this.#abort()
    else signal?.addEventListener('abort', this.#abort, { once: true })
  }

  get size(): number {
    return this.served.entries.size
  }
  get stale(): Staleness | undefined {
    return this.served.stale
  }

  /** Resolves to the next event. `signal` ends this wait alone, and no handler remains. */
  next({ signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<
    WatchEvent<Change> | undefined
  > {
    const waiting = this.#waiting.wait(undefined, signal)
    this.#deliver()
    return waiting
  }

  close(): void {
    this.#leave(undefined)
  }

  [Symbol.asyncIterator](): AsyncGenerator<WatchEvent<Change>, void, void> {
    return new Iteration({
      ask: (waiter) => {
        this.#waiting.add(waiter)
        this.#deliver()
      },
      leave: () => this.close(),
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  #leave(reason: unknown): void {
    if (this.#left) return
    this.#left = true
    this.#signal?.removeEventListener('abort', this.#abort)
    this.#end(reason)
    this.served.detach(this.#listener)
  }

  #changed(changed: ReadonlyMap<string, T | undefined>, event: () => WatchEvent<Change>): void {
    // nothing was delivered before the first sync, which will deliver everything
    if (!this.#synced || this.#ended !== undefined) return
    const current = this.#told.size === 0 && !this.#toldStale && this.served.stale === undefined
    if (current && this.#waiting.size > 0) {
      this.#waiting.answerFirst(event())
      return
    }
    for (const [key, before] of changed) {
      if (!this.#told.has(key)) {
        this.#told.set(key, before)
        continue
      }
      if (this.served.isSame(this.#told.get(key), this.served.entries.get(key)))
        this.#told.delete(key)
    }
    this.#deliver()
  }

  /** Ends the iteration: `next` resolves to `undefined`, or rejects with `error`. */
  #end(error: unknown): void {
    this.#ended ??= error === undefined ? {} : { error }
    this.#told.clear()
    this.#deliver()
  }

  /** Delivers the pending events to waiting callers, in order. */
  #deliver(): void {
    if (this.#waiting.size > 0) this.served.tell()
    while (this.#waiting.size > 0) {
      if (this.#ended !== undefined) {
        if ('error' in this.#ended) this.#waiting.failAll(this.#ended.error)
        else this.#waiting.answerAll(undefined)
        return
      }
      const event = this.#take()
      if (event === undefined) return
      this.#waiting.answerFirst(event)
    }
  }

  #take(): WatchEvent<Change> | undefined {
    const { stale } = this.served
    if (this.served.synced && !this.#synced) {
      this.#synced = true
      this.#toldStale = false
      const changes = [...this.served.entries.values()].map((value) =>
        this.served.toChange(undefined, value),
      )
      return { type: 'sync', changes }
    }
    if (stale !== undefined && !this.#toldStale) {
      this.#toldStale = true
      return { type: 'stale', cause: stale.cause }
    }
    if (!this.#synced) return undefined
    const fresh = stale === undefined && this.#toldStale
    if (fresh) this.#toldStale = false
    if (!fresh && this.#told.size === 0) return undefined
    const changes = [...this.#told].map(([key, told]) =>
      this.served.toChange(told, this.served.entries.get(key)),
    )
    this.#told.clear()
    return { type: fresh ? 'sync' : 'change', changes }
  }
}
