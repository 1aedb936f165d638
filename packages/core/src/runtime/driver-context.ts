import type { DriverContext } from '../driver/driver-context.ts'
import { jsonFormat } from '../driver/json-format.ts'
import { systemClock } from './system-clock.ts'
import { systemRandom } from './system-random.ts'

/** A context with the machine's clock and randomness and the default format, for what is not named. */
export const createDriverContext = (parts: Partial<DriverContext> = {}): DriverContext => ({
  clock: parts.clock ?? systemClock,
  random: parts.random ?? systemRandom,
  format: parts.format ?? jsonFormat,
  report: parts.report ?? (() => {}),
})
