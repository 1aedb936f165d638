import type { Clock, Timer } from '@sd/core/driver'

/** A clock that moves only when the test advances it. */
export class VirtualClock implements Clock {
  #nowMs = 0
  readonly #timers = new Set<{ readonly dueMs: number; readonly callback: () => void }>()

  nowMs(): number {
    return this.#nowMs
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer = { dueMs: this.#nowMs + delayMs, callback }
    this.#timers.add(timer)
    return { cancel: () => void this.#timers.delete(timer) }
  }

  /** Advances the clock, and fires the timers that are due. */
  async pass(durationMs: number): Promise<void> {
    this.#nowMs += durationMs
    for (const timer of [...this.#timers].toSorted((a, b) => a.dueMs - b.dueMs)) {
      if (timer.dueMs > this.#nowMs || !this.#timers.delete(timer)) continue
      timer.callback()
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
}
