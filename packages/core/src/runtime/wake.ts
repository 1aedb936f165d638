import type { Clock } from './clock.ts'

/**
 * A level-triggered wake-up for one loop: a `notify` while nobody waits is kept, several count
 * as one.
 */
export class Wake {
  #pending = false
  #resolve: (() => void) | undefined

  notify(): void {
    this.#pending = true
    this.#resolve?.()
  }

  /** Resolves on the next `notify`, or when the monotonic clock reaches `untilMs`. */
  async wait(clock: Clock, untilMs: number): Promise<void> {
    if (!this.#pending) {
      const delayMs = untilMs - clock.monotonicMs()
      if (delayMs <= 0) return
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#resolve = resolve
      const timer = Number.isFinite(delayMs) ? clock.setTimer(delayMs, resolve) : undefined
      await promise
      timer?.cancel()
      this.#resolve = undefined
    }
    this.#pending = false
  }
}
