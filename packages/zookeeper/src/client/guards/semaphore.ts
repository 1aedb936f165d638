/**
 * Limits how many requests are in flight; the others wait here, in order. A server answers a
 * connection's requests in the order in which they arrive, so each waits for all before it: a
 * heartbeat behind ten thousand reads would be too late.
 */
export class Semaphore {
  readonly #permits: number
  readonly #waiting = new Set<() => void>()
  #taken = 0
  #advancing = false

  constructor(permits: number) {
    this.#permits = permits
  }

  /** Calls `start` as soon as there is a permit, which `release` gives back. The result stops waiting. */
  acquire(start: () => void): () => void {
    this.#waiting.add(start)
    this.#advance()
    return () => void this.#waiting.delete(start)
  }

  release(): void {
    this.#taken--
    this.#advance()
  }

  /** A loop: a start without a connection releases at once, and thousands may do so in a row. */
  #advance(): void {
    if (this.#advancing) return
    this.#advancing = true
    for (const start of this.#waiting) {
      if (this.#taken >= this.#permits) break
      this.#waiting.delete(start)
      this.#taken++
      start()
    }
    this.#advancing = false
  }
}
