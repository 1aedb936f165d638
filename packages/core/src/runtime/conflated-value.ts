import { Iteration } from './iteration.ts'
import { Waiters } from './waiters.ts'

/**
 * A value that readers follow: each sees the present value first, and then only the latest of
 * those set since it last looked.
 */
export class ConflatedValue<T extends object> {
  #value: T
  #ended = false
  /** Those who follow, each by a tag of its own. */
  readonly #waiting = new Waiters<void, object>()

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
    this.#waiting.answerAll(undefined)
  }

  /** The present value, then later ones; values that were replaced before the reader asked are skipped. */
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
      next,
      leave: () => {
        left = true
        this.#waiting.answerAll(undefined, (tag) => tag === reader)
      },
    })
  }
}
