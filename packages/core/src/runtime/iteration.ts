/** The source of an iteration's values. */
export interface IterationSource<T> {
  /** Calls `answer` once with the next value, or with `undefined` at the end; or `fail`. */
  readonly ask: (answer: (value: T | undefined) => void, fail: (error: unknown) => void) => void
  /** Ends every pending `next`, when the reader leaves or at the end. Called once. */
  readonly leave: () => void
}

/**
 * An iteration over values that arrive at any time. An async generator's `return()` waits for a
 * pending `next()`; this one ends a pending `next()` at once.
 */
export class Iteration<T> implements AsyncGenerator<T, void, void> {
  readonly #source: IterationSource<T>
  #left = false

  constructor(source: IterationSource<T>) {
    this.#source = source
  }

  // one promise: a thousand readers of a change take as long as what is done for each of them
  next(): Promise<IteratorResult<T, void>> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        this.#leave()
        resolve({ done: true, value: undefined })
      }
      if (this.#left) return end()
      this.#source.ask(
        (value) => (value === undefined || this.#left ? end() : resolve({ done: false, value })),
        (error) => {
          if (this.#left) return end()
          this.#leave()
          reject(error)
        },
      )
    })
  }

  async return(): Promise<IteratorResult<T, void>> {
    this.#leave()
    return { done: true, value: undefined }
  }

  async throw(error: unknown): Promise<IteratorResult<T, void>> {
    this.#leave()
    throw error
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#leave()
  }

  #leave(): void {
    if (this.#left) return
    this.#left = true
    this.#source.leave()
  }
}
