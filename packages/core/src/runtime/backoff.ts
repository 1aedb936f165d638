import type { Clock } from './clock.ts'
import type { Random } from './random.ts'

/** Bounds of the delays between attempts. */
export interface BackoffOptions {
  /** Upper bound of the first delay. Default 100 ms. */
  readonly minMs: number
  /** Upper bound of every delay. Default 5,000 ms. */
  readonly maxMs: number
}

/**
 * Exponential delays with full jitter, so that a fleet that lost one server does not come back
 * in step. Starts over only after a stable period: a server that answers once and dies again is
 * not well.
 */
export class Backoff {
  readonly #options: BackoffOptions
  readonly #clock: Clock
  readonly #random: Random
  #attempts = 0
  #wellSinceMs: number | undefined

  constructor(options: BackoffOptions, clock: Clock, random: Random) {
    this.#options = options
    this.#clock = clock
    this.#random = random
  }

  /** The delay before the next attempt, in milliseconds. */
  nextDelayMs(): number {
    const { minMs, maxMs } = this.#options
    const now = this.#clock.monotonicMs()
    if (this.#wellSinceMs !== undefined && now - this.#wellSinceMs >= maxMs) this.#attempts = 0
    this.#wellSinceMs = undefined
    const bound = Math.min(maxMs, minMs * 2 ** Math.min(this.#attempts, 30))
    this.#attempts += 1
    return this.#random.next() * bound
  }

  /** To be told of every success: the stable period counts from the first one. */
  succeeded(): void {
    this.#wellSinceMs ??= this.#clock.monotonicMs()
  }
}
