import { showOperation } from './schedule/operation.ts'
import type { Schedule } from './schedule/schedule.ts'
import { shrinkSchedule } from './shrink-schedule.ts'
import { simulate } from './world/simulate.ts'

const list = (lines: readonly string[]): string => lines.map((line) => `  ${line}`).join('\n')

/** Prints the violations, their schedule, and the shortest schedule found that still fails. */
export const explainFailure = async (
  schedule: Schedule,
  violations: readonly string[],
): Promise<string> => {
  const shortest = await shrinkSchedule(
    schedule,
    async (candidate) => (await simulate(candidate)).violations.length > 0,
  )
  const { violations: left } = await simulate(shortest)
  return [
    `seed ${schedule.seed} (${schedule.kind}) violates`,
    list(violations),
    'the schedule',
    list(schedule.operations.map(showOperation)),
    `it also fails with only these of its ${schedule.operations.length} operations`,
    list(shortest.operations.map(showOperation)),
    'violates',
    list(left),
    `settings ${JSON.stringify(schedule.config)}`,
    `replay: npm run simulate -- --seed ${schedule.seed}`,
  ].join('\n')
}
