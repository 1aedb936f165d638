import type { Clock } from '../driver/driver-context.ts'

/** Resolves after `delayMs`; rejects with `signal.reason` at once when the signal aborts. */
export const sleep = (clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason as Error)
      return
    }
    const abort = (): void => {
      timer.cancel()
      reject(signal.reason as Error)
    }
    const timer = clock.setTimer(Math.max(0, delayMs), () => {
      signal.removeEventListener('abort', abort)
      resolve()
    })
    signal.addEventListener('abort', abort, { once: true })
  })
