/** Is answered once. */
export interface Waiter<T, Tag = undefined> {
  readonly tag: Tag
  resolve(value: T): void
  reject(error: unknown): void
  /** Called as it leaves, however that is. */
  readonly left?: (() => void) | undefined
}

/**
 * Pending waits, answered in FIFO order. An aborted wait is removed at once; racing a shared promise
 * against signals would leak its handlers instead. `Tag` identifies what each waiter waits for.
 */
export class Waiters<T, Tag = undefined> {
  // few wait at a time, and a Set would allocate with every few that come and go
  #waiting: Waiter<T, Tag>[] = []

  get size(): number {
    return this.#waiting.length
  }

  add(waiter: Waiter<T, Tag>): void {
    this.#waiting.push(waiter)
  }

  /** Resolves when answered; rejects with the signal's reason as soon as it aborts. */
  wait(tag: Tag, signal?: AbortSignal): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (signal === undefined) {
        this.#waiting.push({ tag, resolve, reject })
        return
      }
      if (signal.aborted) {
        reject(signal.reason as Error)
        return
      }
      const abort = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1)
        reject(signal.reason as Error)
      }
      const left = (): void => signal.removeEventListener('abort', abort)
      const waiter: Waiter<T, Tag> = { tag, resolve, reject, left }
      signal.addEventListener('abort', abort, { once: true })
      this.#waiting.push(waiter)
    })
  }

  /** Resolves the longest wait. */
  answerFirst(value: T): void {
    const first = this.#waiting.shift()
    first?.left?.()
    first?.resolve(value)
  }

  /** Resolves all waits whose tag matches `meant`; by default all. */
  answerAll(value: T, meant: (tag: Tag) => boolean = () => true): void {
    for (const waiter of this.#takeAll(meant)) waiter.resolve(value)
  }

  failFirst(error: unknown): void {
    const first = this.#waiting.shift()
    first?.left?.()
    first?.reject(error)
  }

  failAll(error: unknown): void {
    for (const waiter of this.#takeAll(() => true)) waiter.reject(error)
  }

  #takeAll(meant: (tag: Tag) => boolean): readonly Waiter<T, Tag>[] {
    const all = this.#waiting
    if (all.length === 0) return all
    const taken = all.filter(({ tag }) => meant(tag))
    // nearly always all of them
    this.#waiting = taken.length === all.length ? [] : all.filter(({ tag }) => !meant(tag))
    for (const { left } of taken) left?.()
    return taken
  }
}
