import type { RegistryError } from '../registry-error.ts'
import type { Clock } from './clock.ts'
import type { Random } from './random.ts'
import { type BackoffOptions, denialDelayMs, retryDelayMs } from './timing.ts'

/**
 * Computes when a failed operation is retried, by one rule for all retries. The delays reset only
 * after a stable period as long as the cap: a server that answers once and fails again has not
 * recovered.
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

  /** The delay before the next attempt, in milliseconds; near the cap after a permanent failure. */
  nextDelayMs(cause?: RegistryError): number {
    this.#startOverIfStable()
    const attempts = this.#attempts
    this.#attempts += 1
    return cause?.retryable === false
      ? denialDelayMs(this.#options, this.#random)
      : retryDelayMs(this.#options, attempts, this.#random)
  }

  /**
   * The delay before an operation that had succeeded is repeated: zero after a stable period,
   * otherwise the same as after a failure.
   */
  nextDelayAfterSuccessMs(): number {
    this.#startOverIfStable()
    if (this.#attempts > 0) return this.nextDelayMs()
    this.#attempts = 1
    return 0
  }

  /** Must be called on every success; the stable period starts at the first one. */
  succeeded(): void {
    this.#wellSinceMs ??= this.#clock.monotonicMs()
  }

  #startOverIfStable(): void {
    const now = this.#clock.monotonicMs()
    if (this.#wellSinceMs !== undefined && now - this.#wellSinceMs >= this.#options.maxMs)
      this.#attempts = 0
    this.#wellSinceMs = undefined
  }
}
