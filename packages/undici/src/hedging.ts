import type { Attempt } from './attempt.ts'
import { errors } from './undici.ts'

/**
 * Hedging of one call: when the first try is slow, a second one goes to another instance, and the
 * first response wins. At most one more, after "The Tail at Scale" (Dean, Barroso, CACM 56(2),
 * 2013).
 */
export class Hedging {
  readonly #delayMs: number
  #timer: NodeJS.Timeout | undefined

  /** `delayMs`: how long to wait for the first try. */
  constructor(delayMs: number) {
    this.#delayMs = delayMs
  }

  /** Starts the timer after the first try was sent. `begin` sends the second. */
  watch(begin: () => void): void {
    this.#timer = setTimeout(begin, this.#delayMs)
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  /** Cancels all tries except the one that answered. */
  static settle(running: readonly Attempt[], winner: Attempt): void {
    for (const attempt of running)
      if (attempt !== winner)
        attempt.cancel(new errors.RequestAbortedError('another try was faster'))
  }
}
