/**
 * Resolves once `condition` holds, checking every 25 ms; a condition that throws does not hold yet.
 * Past the deadline it rejects with the awaited condition and the last error.
 */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  deadlineMs = 30_000,
): Promise<void> {
  const end = performance.now() + deadlineMs
  for (;;) {
    let last: unknown
    try {
      if (await condition()) return
    } catch (error) {
      last = error
    }
    if (performance.now() > end)
      throw new Error(
        `not within ${deadlineMs} ms: ${what}`,
        last === undefined ? {} : { cause: last },
      )
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}
