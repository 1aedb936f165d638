import type { SelectedCase } from './select-cases.ts'

/** The cases of one run, by what else runs meanwhile. */
export interface SharedOut {
  /** Run one after the other, after all others. */
  readonly alone: readonly SelectedCase[]
  /** A share for each harness, of at least one case; the shares run at the same time. */
  readonly beside: readonly (readonly SelectedCase[])[]
}

/**
 * Shares out `cases` among that many harnesses, in turns, as neighbours take similarly long. The large
 * cases run alone: they occupy the event loop, in which the other cases send their
 * heartbeats.
 * @throws Error when `harnesses` is not an integer of at least 1
 */
export const shareOut = (cases: readonly SelectedCase[], harnesses: number): SharedOut => {
  if (!Number.isInteger(harnesses) || harnesses < 1)
    throw new Error(`concurrency is ${harnesses}; expected an integer of at least 1`)
  if (harnesses === 1) return { alone: cases, beside: [] }
  const runsAlone = ({ contractCase: { large }, skipped }: SelectedCase): boolean =>
    large === true || skipped !== undefined
  const others = cases.filter((one) => !runsAlone(one))
  const shares = Array.from({ length: harnesses }, (_, harness) =>
    others.filter((_case, index) => index % harnesses === harness),
  )
  return {
    alone: cases.filter(runsAlone),
    beside: shares.filter((share) => share.length > 0),
  }
}
