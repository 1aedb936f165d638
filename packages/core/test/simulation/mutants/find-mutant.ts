import { drawSchedule } from '../schedule/draw-schedule.ts'
import type { DriverMutant } from '../driver/driver-profile.ts'
import type { Schedule } from '../schedule/schedule.ts'
import { simulate } from '../world/simulate.ts'
import type { Restore } from './patch-method.ts'

/** The first seed that finds a planted fault. */
export interface Found {
  readonly schedule: Schedule
  readonly violations: readonly string[]
}

/** Tries seeds, from 1 on, until one fails; `undefined` when none of `most` does. */
export const findMutant = async (
  mutant: { readonly plant: () => Restore } | { readonly driver: DriverMutant },
  most: number,
): Promise<Found | undefined> => {
  const restore = 'plant' in mutant ? mutant.plant() : () => {}
  try {
    for (let seed = 1; seed <= most; seed += 1) {
      const schedule = drawSchedule(seed, 'driver' in mutant ? mutant.driver : undefined)
      const { violations } = await simulate(schedule)
      if (violations.length > 0) return { schedule, violations }
    }
    return undefined
  } finally {
    restore()
  }
}
