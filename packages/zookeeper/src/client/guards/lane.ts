/**
 * Lets so many requests be on their way at once; the others wait here, in order. A server answers
 * a connection's requests in the order they came, so whatever is sent waits for all before it: a
 * heartbeat behind ten thousand reads would come too late.
 */
export class Lane {
  readonly #limit: number
  readonly #waiting = new Set<() => void>()
  #busy = 0
  #advancing = false

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Calls `start`, now or when its turn comes; each start is followed by one `leave`. Returns what gives up waiting. */
  enter(start: () => void): () => void {
    this.#waiting.add(start)
    this.#advance()
    return () => void this.#waiting.delete(start)
  }

  leave(): void {
    this.#busy--
    this.#advance()
  }

  /** A loop, as a start without a connection leaves at once: thousands may do so in a row. */
  #advance(): void {
    if (this.#advancing) return
    this.#advancing = true
    for (const start of this.#waiting) {
      if (this.#busy >= this.#limit) break
      this.#waiting.delete(start)
      this.#busy++
      start()
    }
    this.#advancing = false
  }
}
