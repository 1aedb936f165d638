import { abortable } from './abort.ts'
import type { Clock } from './clock.ts'

/**
 * A level-triggered wake-up for one loop. A `notify` without a waiter is kept, and several count as
 * one. The loop must check the whole state after each wake-up, so that it misses no change. Modelled
 * on `tokio::sync::Notify`. For one waiter at a time.
 */
export class Wake {
  #pending = false
  #resolve: (() => void) | undefined

  /** Ends the pending wait, or else makes the next one resolve at once. */
  notify(): void {
    this.#pending = true
    this.#resolve?.()
  }

  /**
   * Resolves on the next `notify`, or at once if one came since the last wait. Rejects with
   * `signal.reason` when the signal aborts; a pending `notify` is then kept for the next wait. A loop
   * that handles thousands of changes adds one listener to its signal instead, which calls `notify`.
   */
  async notified(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    if (!this.#pending) await (signal ? abortable(this.#next(), signal) : this.#next())
    this.#pending = false
  }

  /** Resolves on the next `notify`, or when the monotonic clock reaches `untilMs`. */
  async wait(clock: Clock, untilMs: number): Promise<void> {
    if (!this.#pending) {
      const delayMs = untilMs - clock.monotonicMs()
      if (delayMs <= 0) return
      const woken = this.#next()
      const timer = Number.isFinite(delayMs)
        ? clock.setTimer(delayMs, () => this.#resolve?.())
        : undefined
      await woken
      timer?.cancel()
    }
    this.#pending = false
  }

  #next(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#resolve = resolve
    return promise
  }
}
