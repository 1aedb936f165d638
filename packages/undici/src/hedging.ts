import type { Attempt } from './attempt.ts'
import { errors } from './undici.ts'

/**
 * Hedging of one call: when the first try is slow, a second one is sent elsewhere beside it, and the first
 * response wins. After "The Tail at Scale" (Dean, Barroso, CACM 56(2), 2013): at most one more.
 */
export class Hedging {
  readonly #delayMs: number
  #timer: NodeJS.Timeout | undefined

  /** `delayMs`: how long the first try has. */
  constructor(delayMs: number) {
    this.#delayMs = delayMs
  }

  /** The first try is under way. `begin` sends the second. */
  watch(begin: () => void): void {
    this.#timer = setTimeout(begin, this.#delayMs)
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  /** Gives up all tries but the one that answered. */
  static settle(running: readonly Attempt[], winner: Attempt): void {
    for (const attempt of running)
      if (attempt !== winner)
        attempt.cancel(new errors.RequestAbortedError('another try was faster'))
  }
}
