interface Waiter<T, Tag> {
  readonly tag: Tag
  resolve(value: T): void
  reject(error: unknown): void
}

/**
 * Pending waits, answered in FIFO order. An aborted wait is removed at once; racing a shared promise
 * against signals would leak its handlers instead. `Tag` identifies what each waiter waits for.
 */
export class Waiters<T, Tag = undefined> {
  readonly #waiting = new Set<Waiter<T, Tag>>()

  get size(): number {
    return this.#waiting.size
  }

  /** Resolves when answered; rejects with the signal's reason as soon as it aborts. */
  wait(tag: Tag, signal?: AbortSignal): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason as Error)
        return
      }
      const leave = (): void => {
        this.#waiting.delete(waiter)
        signal?.removeEventListener('abort', abort)
      }
      const waiter: Waiter<T, Tag> = {
        tag,
        resolve: (value) => {
          leave()
          resolve(value)
        },
        reject: (error) => {
          leave()
          reject(error)
        },
      }
      const abort = (): void => waiter.reject(signal?.reason)
      signal?.addEventListener('abort', abort, { once: true })
      this.#waiting.add(waiter)
    })
  }

  /** Resolves the longest wait. */
  answerFirst(value: T): void {
    const [first] = this.#waiting
    first?.resolve(value)
  }

  /** Resolves all waits whose tag matches `meant`; by default all. */
  answerAll(value: T, meant: (tag: Tag) => boolean = () => true): void {
    for (const waiter of [...this.#waiting]) if (meant(waiter.tag)) waiter.resolve(value)
  }

  failFirst(error: unknown): void {
    const [first] = this.#waiting
    first?.reject(error)
  }

  failAll(error: unknown): void {
    for (const waiter of [...this.#waiting]) waiter.reject(error)
  }
}
