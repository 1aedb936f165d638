import { setTimeout as delay } from 'node:timers/promises'

/**
 * Polls `probe` every few milliseconds until it returns something other than `undefined` or
 * `false`; fails after `deadlineMs`, naming the awaited condition and the last value.
 */
export const eventually = async <T>(
  what: string,
  deadlineMs: number,
  probe: () => T | Promise<T>,
  describe: () => unknown = () => undefined,
): Promise<NonNullable<T>> => {
  const endMs = performance.now() + deadlineMs
  let failure: unknown
  for (;;) {
    try {
      const value = await probe()
      if (value !== undefined && value !== null && value !== false) return value
      failure = undefined
    } catch (error) {
      failure = error
    }
    if (performance.now() > endMs) {
      const seen = failure ?? describe()
      const shown = seen instanceof Error ? seen.message : JSON.stringify(seen)
      throw new Error(
        `${what}: not within ${deadlineMs} ms${shown ? `; last seen: ${shown}` : ''}`,
        failure === undefined ? {} : { cause: failure },
      )
    }
    await delay(10)
  }
}

/** Checks that `holds` stays true for `durationMs`. */
export const throughout = async (
  what: string,
  durationMs: number,
  holds: () => boolean | Promise<boolean>,
): Promise<void> => {
  const endMs = performance.now() + durationMs
  while (performance.now() < endMs) {
    if (!(await holds())) throw new Error(`${what}: no longer holds`)
    await delay(20)
  }
}

/** Waits that long: only for cases about time itself, such as an outage of a given length. */
export const pass = async (durationMs: number): Promise<void> => {
  await delay(durationMs)
}

/** Resolves with the result of `work`; rejects, naming `what`, after `deadlineMs`. */
export const within = async <T>(deadlineMs: number, what: string, work: Promise<T>): Promise<T> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${deadlineMs} ms`)), deadlineMs)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
