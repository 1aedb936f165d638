import { type Clock, sleep } from '@sd/core/driver'

/** Limits the rate of an action: `burst` times at once, then once in `refillMs`. */
export class TokenBucket {
  readonly #clock: Clock
  readonly #burst: number
  readonly #refillMs: number
  #tokens: number
  #countedMs: number

  constructor(clock: Clock, burst: number, refillMs: number) {
    this.#clock = clock
    this.#burst = burst
    this.#refillMs = refillMs
    this.#tokens = burst
    this.#countedMs = clock.monotonicMs()
  }

  /** Waits for a token. */
  async take(signal: AbortSignal): Promise<void> {
    const nowMs = this.#clock.monotonicMs()
    const earned = (nowMs - this.#countedMs) / this.#refillMs
    this.#tokens = Math.min(this.#burst, this.#tokens + earned) - 1
    this.#countedMs = nowMs
    if (this.#tokens < 0) await sleep(this.#clock, -this.#tokens * this.#refillMs, signal)
  }
}
