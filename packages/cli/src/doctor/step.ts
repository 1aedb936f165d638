/** How one step of a diagnosis went. */
export interface StepResult {
  /** `warn`: worth knowing, and nothing is broken. */
  readonly status: 'ok' | 'warn' | 'fail'
  /** What was looked at: `connect`, `write`. */
  readonly step: string
  /** How long it took, for those that talk to the registry. */
  readonly ms?: number
  /** What was found, in words. */
  readonly detail: string
  /** More of it, a line each. */
  readonly lines?: readonly string[]
}

/** What a step finds. */
export type Finding = Pick<StepResult, 'detail' | 'lines'>

/** Takes one step, and says how long it took, or what it failed with; rejects with `signal.reason`. */
export const takeStep = async (
  step: string,
  signal: AbortSignal,
  work: () => Promise<string | Finding>,
): Promise<StepResult> => {
  const beganMs = performance.now()
  try {
    const found = await work()
    const ms = Math.round((performance.now() - beganMs) * 10) / 10
    return { status: 'ok', step, ms, ...(typeof found === 'string' ? { detail: found } : found) }
  } catch (error) {
    if (signal.aborted) throw signal.reason
    return { status: 'fail', step, detail: error instanceof Error ? error.message : String(error) }
  }
}
