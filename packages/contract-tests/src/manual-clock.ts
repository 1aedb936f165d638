import type { Clock, Timer } from '@sd/core/driver'

interface Waiting {
  readonly dueMs: number
  readonly callback: () => void
}

/** Settles every promise that can settle. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A clock for a driver's unit tests: it moves only when the test calls {@link advance}. */
export class ManualClock implements Clock {
  readonly #timers = new Set<Waiting>()
  #elapsedMs = 0

  nowMs(): number {
    return 1_700_000_000_000 + this.#elapsedMs
  }

  monotonicMs(): number {
    return this.#elapsedMs
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer = { dueMs: this.#elapsedMs + delayMs, callback }
    this.#timers.add(timer)
    return { cancel: () => void this.#timers.delete(timer) }
  }

  /** How many timers are set. */
  get pending(): number {
    return this.#timers.size
  }

  /** Moves on, timer by timer, and settles promises before and after each. */
  async advance(byMs: number): Promise<void> {
    const untilMs = this.#elapsedMs + byMs
    for (;;) {
      await settle()
      const [next] = [...this.#timers]
        .filter(({ dueMs }) => dueMs <= untilMs)
        .toSorted((a, b) => a.dueMs - b.dueMs)
      if (next === undefined) break
      this.#timers.delete(next)
      this.#elapsedMs = Math.max(this.#elapsedMs, next.dueMs)
      next.callback()
    }
    this.#elapsedMs = untilMs
  }
}
