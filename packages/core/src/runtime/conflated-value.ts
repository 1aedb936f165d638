import { abortable } from './abort.ts'

/**
 * A value that readers follow: each sees the present value first, and then only the latest of
 * those set since it last looked.
 */
export class ConflatedValue<T> {
  #value: T
  #ended = false
  /** Created when a reader waits: most values are never followed. */
  #changed: PromiseWithResolvers<void> | undefined

  constructor(value: T) {
    this.#value = value
  }

  get value(): T {
    return this.#value
  }

  /** Replaces the value; after `ended` there is no further one. */
  set(value: T, ended = false): void {
    if (this.#ended) return
    this.#value = value
    this.#ended = ended
    this.#changed?.resolve()
    this.#changed = undefined
  }

  /** The present value, then later ones; values that were replaced before the reader asked are skipped. */
  async *follow(signal?: AbortSignal): AsyncGenerator<T, void, void> {
    let told: T | undefined
    for (let first = true; ; first = false) {
      signal?.throwIfAborted()
      if (first || told !== this.#value) {
        told = this.#value
        yield told
        continue
      }
      if (this.#ended) return
      this.#changed ??= Promise.withResolvers()
      const { promise } = this.#changed
      await (signal === undefined ? promise : abortable(promise, signal))
    }
  }
}
