import { maxTimerMs } from './timing.ts'

/** A running timer. */
export interface Timer {
  cancel(): void
}

/** The source of time for core and drivers. Injected, so that tests can run on a virtual clock. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch: for claims and for display. */
  nowMs(): number
  /** Milliseconds since an arbitrary start; never decreases: for every duration. */
  monotonicMs(): number
  /** Runs `callback` once after `delayMs`, capped at Node's longest timer (24.8 days). */
  setTimer(delayMs: number, callback: () => void): Timer
}

// Captured when this module loads: a test that fakes the global timers would otherwise stop every
// deadline and delay of its registry.
const { setTimeout, clearTimeout } = globalThis
const nowMs = Date.now.bind(Date)
const monotonicMs = performance.now.bind(performance)

/** The system clock, even while a test runner fakes the global timers. */
export const systemClock: Clock = {
  nowMs,
  monotonicMs,
  setTimer: (delayMs, callback) => {
    const timer = setTimeout(callback, Math.min(delayMs, maxTimerMs))
    return { cancel: () => clearTimeout(timer) }
  },
}
