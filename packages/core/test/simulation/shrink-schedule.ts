import type { Operation } from './schedule/operation.ts'
import type { Schedule } from './schedule/schedule.ts'

/** Whether a schedule still fails. */
export type Fails = (schedule: Schedule) => Promise<boolean>

/**
 * Removes operations, first many at once and then one by one, while the schedule still fails;
 * returns the rest after at most `maxRuns` runs.
 */
export const shrinkSchedule = async (
  schedule: Schedule,
  fails: Fails,
  maxRuns = 200,
): Promise<Schedule> => {
  let operations: readonly Operation[] = schedule.operations
  let runs = 0
  for (let size = Math.ceil(operations.length / 2); size >= 1;) {
    let shorter = false
    for (let start = 0; start < operations.length && runs < maxRuns;) {
      const rest = operations.filter((_, index) => index < start || index >= start + size)
      runs += 1
      if (await fails({ ...schedule, operations: rest })) {
        operations = rest
        shorter = true
      } else start += size
    }
    if (runs >= maxRuns || (size === 1 && !shorter)) break
    size = size === 1 ? 1 : Math.ceil(size / 2)
  }
  return { ...schedule, operations }
}
