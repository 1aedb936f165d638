import type { Pick } from '@sd/balancer'

/** How long a pick may wait for its call to start, e.g. while call credentials are fetched. */
const patienceMs = 5_000

/**
 * The picks whose calls have not started. grpc-js reports when a call starts and ends, but not when
 * it drops a pick because the deadline passed or the connection was lost (then it picks again).
 * Without this class, a dropped pick would count as in flight forever.
 */
export class UnstartedPicks {
  readonly #picks = new Map<Pick, number>()
  #timer: NodeJS.Timeout | undefined

  get size(): number {
    return this.#picks.size
  }

  add(pick: Pick): void {
    this.#picks.set(pick, performance.now())
    this.#timer ??= setTimeout(() => this.#sweep(), patienceMs).unref()
  }

  started(pick: Pick): void {
    this.#picks.delete(pick)
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const pick of this.#picks.keys()) pick.done()
    this.#picks.clear()
  }

  #sweep(): void {
    const old = performance.now() - patienceMs
    // oldest first
    for (const [pick, atMs] of this.#picks) {
      if (atMs > old) break
      this.#picks.delete(pick)
      pick.done()
    }
    this.#timer =
      this.#picks.size > 0 ? setTimeout(() => this.#sweep(), patienceMs).unref() : undefined
  }
}
