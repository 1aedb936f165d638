/** The source of an iteration's values. */
export interface IterationSource<T> {
  /** Resolves to the next value, or `undefined` at the end. */
  readonly next: () => Promise<T | undefined>
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

  async next(): Promise<IteratorResult<T, void>> {
    if (this.#left) return { done: true, value: undefined }
    try {
      const value = await this.#source.next()
      if (value !== undefined && !this.#left) return { done: false, value }
    } catch (error) {
      if (!this.#left) {
        this.#leave()
        throw error
      }
    }
    this.#leave()
    return { done: true, value: undefined }
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
