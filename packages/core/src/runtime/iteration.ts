/** Where an iteration takes its values from. */
export interface IterationSource<T> {
  /** The next value, when there is one; `undefined` at the end. */
  readonly next: () => Promise<T | undefined>
  /** The reader leaves, or the end was reached: ends every wait of `next`. Called once. */
  readonly leave: () => void
}

/**
 * An iteration over values that come when they come. Unlike an async generator, whose `return()` waits
 * for a pending `next()`, it can be left at any moment: what waits ends at once.
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
