/** A running timer. */
export interface Timer {
  cancel(): void
}

/** All that core and drivers may use of time. Injected, so that faults can be simulated. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch: for claims and what people read. */
  nowMs(): number
  /** Never goes back: for every duration. */
  monotonicMs(): number
  /** Runs `callback` once after `delayMs`. */
  setTimer(delayMs: number, callback: () => void): Timer
}

/** The machine's clock. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs)
    return { cancel: () => clearTimeout(timer) }
  },
}
