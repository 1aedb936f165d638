/** Makes the calls one after the other; returns the milliseconds that each took. */
export const timeCalls = async (
  count: number,
  call: (index: number) => Promise<unknown>,
): Promise<number[]> => {
  const took: number[] = []
  for (let index = 0; index < count; index += 1) {
    const beganMs = performance.now()
    await call(index)
    took.push(performance.now() - beganMs)
  }
  return took
}

/** The milliseconds of CPU time that this process has used so far, in all of its threads. */
export const cpuMs = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

/** Runs the work; returns how long it took. */
export const elapsedMs = async (work: () => Promise<unknown>): Promise<number> => {
  const beganMs = performance.now()
  await work()
  return performance.now() - beganMs
}
