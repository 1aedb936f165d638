import type { Clock } from '@sd/core/driver'

/** The time of the store's thread, which the driver's own clock cannot be sent to. */
export type ThreadClock = Pick<Clock, 'monotonicMs' | 'setTimer'>

/* oxlint-disable no-restricted-globals, no-restricted-properties -- there is no `DriverContext` in the thread */
export const threadClock: ThreadClock = {
  monotonicMs: () => performance.now(),
  setTimer: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs)
    return { cancel: () => clearTimeout(timer) }
  },
}
