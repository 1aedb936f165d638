import type { Goal } from '../frame/benchmark.ts'
import { ratioOf, type Summary } from '../frame/statistics.ts'

/** How a goal compares with what was measured. */
export interface Judged {
  readonly goal: Goal
  /** The ratio, or the value in the row's unit. */
  readonly found: number
  /** The range of the rounds. */
  readonly lowest: number
  readonly highest: number
  readonly met: boolean
}

/** Compares a goal with the measures of its row; `undefined` when a side was not measured. */
export const judgeGoal = (
  goal: Goal,
  sides: Readonly<Record<string, Summary>>,
): Judged | undefined => {
  const side = sides[goal.side]
  if (side === undefined) return undefined
  if (goal.against === undefined) {
    const { median: found, medians } = side
    const [lowest, highest] = [Math.min(...medians), Math.max(...medians)]
    return { goal, found, lowest, highest, met: found <= goal.atMost }
  }
  const against = sides[goal.against]
  if (against === undefined) return undefined
  const { ratio: found, lowest, highest } = ratioOf(side, against)
  return { goal, found, lowest, highest, met: found <= goal.atMost }
}
