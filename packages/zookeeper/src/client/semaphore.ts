/**
 * Limits how many requests are in flight; the others wait here, in order. A server answers a
 * connection's requests in order of arrival, so a heartbeat behind ten thousand reads would be too
 * late.
 */
export class Semaphore {
  readonly #permits: number
  readonly #waiting = new Set<() => void>()
  #taken = 0
  #advancing = false

  constructor(permits: number) {
    this.#permits = permits
  }

  /** Calls `start` once it has a permit, which `release` returns. The returned function stops waiting. */
  acquire(start: () => void): () => void {
    this.#waiting.add(start)
    this.#advance()
    return () => void this.#waiting.delete(start)
  }

  release(): void {
    this.#taken--
    this.#advance()
  }

  /** Not recursive: without a connection, thousands of starts in a row may release at once. */
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
