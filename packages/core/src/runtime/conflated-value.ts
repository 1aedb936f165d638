import { Iteration } from './iteration.ts'
import { Waiters } from './waiters.ts'

/**
 * A value that readers follow. Each reader gets the current value first, then only the latest of
 * the values set since its last read.
 */
export class ConflatedValue<T extends object> {
  #value: T
  #ended = false
  /** The waiting readers, each with its own tag. */
  readonly #waiting = new Waiters<void, object>()

  constructor(value: T) {
    this.#value = value
  }

  get value(): T {
    return this.#value
  }

  /** Replaces the value; with `ended` it is the last one. */
  set(value: T, ended: boolean): void {
    if (this.#ended) return
    this.#value = value
    this.#ended = ended
    this.#waiting.answerAll(undefined)
  }

  /** Yields the current value, then later ones; values replaced before the next read are skipped. */
  follow(signal?: AbortSignal): AsyncGenerator<T, void, void> {
    const reader = {}
    let told: T | undefined
    let left = false
    const next = async (): Promise<T | undefined> => {
      for (;;) {
        signal?.throwIfAborted()
        if (left) return undefined
        if (told !== this.#value) {
          told = this.#value
          return told
        }
        if (this.#ended) return undefined
        await this.#waiting.wait(reader, signal)
      }
    }
    return new Iteration({
      ask: (waiter) => {
        next().then(
          (value) => waiter.resolve(value),
          (error: unknown) => waiter.reject(error),
        )
      },
      leave: () => {
        left = true
        this.#waiting.answerAll(undefined, (tag) => tag === reader)
      },
    })
  }
}
