interface Waiter<T, Tag> {
  readonly tag: Tag
  readonly resolve: (value: T) => void
  readonly reject: (error: unknown) => void
  readonly signal: AbortSignal | undefined
  readonly abort: (() => void) | undefined
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
      const abort = signal && ((): void => this.#leave(waiter).reject(signal.reason))
      const waiter: Waiter<T, Tag> = { tag, resolve, reject, signal, abort }
      if (abort !== undefined) signal?.addEventListener('abort', abort, { once: true })
      this.#waiting.add(waiter)
    })
  }

  /** Resolves the longest wait. */
  answerFirst(value: T): void {
    for (const first of this.#waiting) return this.#leave(first).resolve(value)
  }

  /** Resolves all waits whose tag matches `meant`; by default all. */
  answerAll(value: T, meant: (tag: Tag) => boolean = () => true): void {
    for (const waiter of this.#waiting) if (meant(waiter.tag)) this.#leave(waiter).resolve(value)
  }

  failFirst(error: unknown): void {
    for (const first of this.#waiting) return this.#leave(first).reject(error)
  }

  failAll(error: unknown): void {
    for (const waiter of this.#waiting) this.#leave(waiter).reject(error)
  }

  #leave(waiter: Waiter<T, Tag>): Waiter<T, Tag> {
    this.#waiting.delete(waiter)
    if (waiter.abort !== undefined) waiter.signal?.removeEventListener('abort', waiter.abort)
    return waiter
  }
}
