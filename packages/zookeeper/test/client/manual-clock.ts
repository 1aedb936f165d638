import type { Clock } from '@sd/core/driver'

/** A clock that moves only when the test advances it. */
export class ManualClock implements Clock {
  #nowMs = 0
  readonly #timers = new Set<{ readonly atMs: number; readonly callback: () => void }>()

  nowMs(): number {
    return this.#nowMs
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  setTimer(delayMs: number, callback: () => void): { cancel(): void } {
    const timer = { atMs: this.#nowMs + delayMs, callback }
    this.#timers.add(timer)
    return { cancel: () => void this.#timers.delete(timer) }
  }

  get waiting(): number {
    return this.#timers.size
  }

  pass(ms: number): void {
    const endMs = this.#nowMs + ms
    for (; this.#nowMs < endMs; this.#nowMs++)
      for (const timer of this.#timers)
        if (timer.atMs <= this.#nowMs) {
          this.#timers.delete(timer)
          timer.callback()
        }
  }
}
