import type { Clock } from '@sd/core/driver'

/* oxlint-disable no-restricted-globals, no-restricted-properties -- there is no `DriverContext` in the thread */
/** The time of the store's thread, which the driver's own clock cannot be sent to. */
export const threadClock: Pick<Clock, 'monotonicMs' | 'setTimer'> = {
  monotonicMs: () => performance.now(),
  setTimer: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs)
    return { cancel: () => clearTimeout(timer) }
  },
}
