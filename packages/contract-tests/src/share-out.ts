import { scaleCases } from './cases/scale-cases.ts'
import type { SelectedCase } from './select-cases.ts'

/** The cases of one run, by what else runs meanwhile. */
export interface SharedOut {
  /** Run one after the other, after all others. */
  readonly alone: readonly SelectedCase[]
  /** A share for each harness, of at least one case; the shares run at the same time. */
  readonly beside: readonly (readonly SelectedCase[])[]
}

/**
 * Shares out `cases` among that many harnesses, in turns, as neighbours take similarly long. The cases
 * with many instances run alone: they occupy the event loop, in which the other cases send their
 * heartbeats.
 */
export const shareOut = (cases: readonly SelectedCase[], harnesses: number): SharedOut => {
  if (harnesses === 1) return { alone: cases, beside: [] }
  const isLarge = ({ contractCase }: SelectedCase): boolean => scaleCases.includes(contractCase)
  const others = cases.filter((one) => !isLarge(one) && one.skipped === undefined)
  const shares = Array.from({ length: harnesses }, (_, harness) =>
    others.filter((_case, index) => index % harnesses === harness),
  )
  return {
    alone: cases.filter((one) => isLarge(one) || one.skipped !== undefined),
    beside: shares.filter((share) => share.length > 0),
  }
}
