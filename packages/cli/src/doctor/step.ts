/** The result of one step of a diagnosis. */
export interface StepResult {
  /** `warn`: worth knowing, but nothing is broken. */
  readonly status: 'ok' | 'warn' | 'fail'
  /** The name of the step: `connect`, `write`. */
  readonly step: string
  /** The duration, for steps that call the registry. */
  readonly ms?: number
  /** The finding, as text. */
  readonly detail: string
  /** More details, one per line. */
  readonly lines?: readonly string[]
}

/** The finding of a step. */
export type Finding = Pick<StepResult, 'detail' | 'lines'>

/** Runs one step. Returns its duration or its error; rejects with `signal.reason`. */
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
