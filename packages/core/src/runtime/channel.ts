/**
 * A queue from a stream's callbacks to one reader, which reads one value at a time. Keeps every
 * value, in order. `fail` makes the reader throw after the values already queued, `abort` makes it
 * throw at once. Anything pushed later is ignored.
 */
export class Channel<T> implements AsyncIterableIterator<T> {
  readonly #queue: T[] = []
  readonly #onReturn: () => void
  #end: { readonly error?: unknown } | undefined
  #wake: (() => void) | undefined

  /** `onReturn` releases the source when the reader leaves. Called at most once. */
  constructor(onReturn: () => void = () => {}) {
    this.#onReturn = onReturn
  }

  push(value: T): void {
    if (this.#end) return
    this.#queue.push(value)
    this.#wake?.()
  }

  /** Ends the iteration with `error`, after the queued values. */
  fail(error: unknown): void {
    this.#finish({ error })
  }

  /** Ends the iteration with `error`, dropping the queued values. */
  abort(error: unknown): void {
    this.#queue.length = 0
    this.#finish({ error })
  }

  async next(): Promise<IteratorResult<T>> {
    for (;;) {
      if (this.#queue.length > 0) return { done: false, value: this.#queue.shift() as T }
      if (this.#end) {
        const { error } = this.#end
        this.#end = {}
        if (error !== undefined) throw error
        return { done: true, value: undefined }
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      this.#wake = undefined
    }
  }

  async return(): Promise<IteratorResult<T>> {
    this.#queue.length = 0
    const first = this.#end === undefined
    this.#finish({})
    if (first) this.#onReturn()
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #finish(end: { readonly error?: unknown }): void {
    if (this.#end) return
    this.#end = end
    this.#wake?.()
  }
}
