interface Waiter<T, Tag> {
  readonly tag: Tag
  resolve(value: T): void
  reject(error: unknown): void
}

/**
 * Those who wait for one thing, first come, first answered. Whoever leaves is taken out at once:
 * nothing of him stays behind, as it would on a promise that many race against their signals.
 * `Tag` says what each waits for, where they wait for different things.
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

  /** Answers the one who has waited longest. */
  answerFirst(value: T): void {
    const [first] = this.#waiting
    first?.resolve(value)
  }

  /** Answers all whose tag is `meant`; without one everybody. */
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
