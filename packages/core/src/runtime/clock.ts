import { maxTimerMs } from './timing.ts'

/** A running timer. */
export interface Timer {
  cancel(): void
}

/** Time, as core and drivers use it. Injected, so that faults can be simulated on a virtual clock. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch: for claims and what people read. */
  nowMs(): number
  /** Milliseconds since an arbitrary start; never goes back: for every duration. */
  monotonicMs(): number
  /** Runs `callback` once after `delayMs`; one beyond what timers can hold (24.8 days) sooner. */
  setTimer(delayMs: number, callback: () => void): Timer
}

// Taken when this module loads: a test that fakes the timers of its own code would stop every
// deadline and delay of the registry that it uses.
const { setTimeout, clearTimeout } = globalThis
const nowMs = Date.now.bind(Date)
const monotonicMs = performance.now.bind(performance)

/** The machine's clock, also while a test runner fakes the global timers. */
export const systemClock: Clock = {
  nowMs,
  monotonicMs,
  setTimer: (delayMs, callback) => {
    const timer = setTimeout(callback, Math.min(delayMs, maxTimerMs))
    return { cancel: () => clearTimeout(timer) }
  },
}
