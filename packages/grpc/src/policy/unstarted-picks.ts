import type { Pick } from '@sd/balancer'

/** How long a pick may take to become a call: call credentials are fetched in between. */
const patienceMs = 5_000

/**
 * The picks that have not become calls. grpc-js says when a call starts and ends, but not when it gives
 * a pick up: its deadline passed meanwhile, or the connection was lost, and it picks again. Such a pick
 * would count as in flight for ever.
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
    // in the order of their time
    for (const [pick, atMs] of this.#picks) {
      if (atMs > old) break
      this.#picks.delete(pick)
      pick.done()
    }
    this.#timer =
      this.#picks.size > 0 ? setTimeout(() => this.#sweep(), patienceMs).unref() : undefined
  }
}
