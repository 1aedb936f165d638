import type { Clock } from '@sd/core/driver'

interface Waiting {
  readonly atMs: number
  readonly callback: () => void
}

/** A clock that moves only when the test calls {@link advance}. */
export class ManualClock implements Clock {
  readonly #timers = new Set<Waiting>()
  #elapsedMs = 0

  nowMs(): number {
    return 1_000_000 + this.#elapsedMs
  }

  monotonicMs(): number {
    return this.#elapsedMs
  }

  setTimer(delayMs: number, callback: () => void): { cancel: () => void } {
    const timer = { atMs: this.#elapsedMs + delayMs, callback }
    this.#timers.add(timer)
    return { cancel: () => void this.#timers.delete(timer) }
  }

  /** How many timers are set. */
  get pending(): number {
    return this.#timers.size
  }

  /** Moves on, timer by timer, letting every promise settle in between. */
  async advance(byMs: number): Promise<void> {
    const untilMs = this.#elapsedMs + byMs
    for (;;) {
      await new Promise(setImmediate)
      const [next] = [...this.#timers]
        .filter(({ atMs }) => atMs <= untilMs)
        .toSorted((a, b) => a.atMs - b.atMs)
      if (next === undefined) break
      this.#timers.delete(next)
      this.#elapsedMs = Math.max(this.#elapsedMs, next.atMs)
      next.callback()
    }
    this.#elapsedMs = untilMs
    await new Promise(setImmediate)
  }
}
