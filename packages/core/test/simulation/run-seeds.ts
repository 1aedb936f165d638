import { drawSchedule } from './schedule/draw-schedule.ts'
import type { Schedule } from './schedule/schedule.ts'
import { simulate } from './world/simulate.ts'

/** A seed that failed. */
export interface Failure {
  readonly schedule: Schedule
  readonly violations: readonly string[]
}

/** Runs the seeds [`from`, `from` + `count`), and stops after `most` failures. */
export const runSeeds = async (
  from: number,
  count: number,
  most = 3,
): Promise<readonly Failure[]> => {
  const failures: Failure[] = []
  for (let seed = from; seed < from + count && failures.length < most; seed += 1) {
    const schedule = drawSchedule(seed)
    const { violations } = await simulate(schedule)
    if (violations.length > 0) failures.push({ schedule, violations })
  }
  return failures
}
