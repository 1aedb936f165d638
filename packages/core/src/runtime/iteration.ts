import type { Waiter } from './waiters.ts'

/** The source of an iteration's values. */
export interface IterationSource<T> {
  /** Resolves `waiter` with the next value, or with `undefined` at the end; or rejects it. */
  readonly ask: (waiter: Waiter<T | undefined>) => void
  /** Ends every pending `next`, when the reader leaves or at the end. Called once. */
  readonly leave: () => void
}

class Leaving {
  readonly #source: Pick<IterationSource<unknown>, 'leave'>
  done = false

  constructor(source: Pick<IterationSource<unknown>, 'leave'>) {
    this.#source = source
  }

  leave(): void {
    if (this.done) return
    this.done = true
    this.#source.leave()
  }
}

/** One pending `next`: an object, as closures for each of a thousand readers take longer. */
class Next<T> implements Waiter<T | undefined> {
  readonly tag = undefined
  readonly #leaving: Leaving
  readonly #resolve: (result: IteratorResult<T, void>) => void
  readonly #reject: (error: unknown) => void

  constructor(
    leaving: Leaving,
    resolve: (result: IteratorResult<T, void>) => void,
    reject: (error: unknown) => void,
  ) {
    this.#leaving = leaving
    this.#resolve = resolve
    this.#reject = reject
  }

  resolve(value: T | undefined): void {
    if (value !== undefined && !this.#leaving.done) {
      this.#resolve({ done: false, value })
      return
    }
    this.#leaving.leave()
    this.#resolve({ done: true, value: undefined })
  }

  reject(error: unknown): void {
    if (this.#leaving.done) {
      this.resolve(undefined)
      return
    }
    this.#leaving.leave()
    this.#reject(error)
  }
}

/**
 * An iteration over values that arrive at any time. An async generator's `return()` waits for a
 * pending `next()`; this one ends a pending `next()` at once.
 */
export class Iteration<T> implements AsyncGenerator<T, void, void> {
  readonly #source: IterationSource<T>
  readonly #leaving: Leaving

  constructor(source: IterationSource<T>) {
    this.#source = source
    this.#leaving = new Leaving(source)
  }

  // one promise: a thousand readers of a change take as long as what is done for each of them
  next(): Promise<IteratorResult<T, void>> {
    return new Promise((resolve, reject) => {
      const next = new Next<T>(this.#leaving, resolve, reject)
      if (this.#leaving.done) next.resolve(undefined)
      else this.#source.ask(next)
    })
  }

  async return(): Promise<IteratorResult<T, void>> {
    this.#leaving.leave()
    return { done: true, value: undefined }
  }

  async throw(error: unknown): Promise<IteratorResult<T, void>> {
    this.#leaving.leave()
    throw error
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#leaving.leave()
  }
}
