import type { Clock, Timer } from '@sd/core/driver'

/**
 * Pings whenever nothing was sent for a while, whatever was received: a server counts only what it
 * receives, so a client that only receives watch events would lose its session.
 */
export class KeepAlive {
  readonly #clock: Clock
  readonly #ping: () => void
  #sentMs = 0
  #timer: Timer | undefined

  constructor(clock: Clock, ping: () => void) {
    this.#clock = clock
    this.#ping = ping
  }

  start(intervalMs: number): void {
    this.sent()
    this.#wait(intervalMs, intervalMs)
  }

  /** Called when anything else was sent, which counts as a ping. */
  sent(): void {
    this.#sentMs = this.#clock.monotonicMs()
  }

  stop(): void {
    this.#timer?.cancel()
  }

  #wait(delayMs: number, intervalMs: number): void {
    this.#timer = this.#clock.setTimer(delayMs, () => {
      const leftMs = this.#sentMs + intervalMs - this.#clock.monotonicMs()
      if (leftMs > 0) return this.#wait(leftMs, intervalMs)
      this.#ping()
      this.sent()
      this.#wait(intervalMs, intervalMs)
    })
  }
}
