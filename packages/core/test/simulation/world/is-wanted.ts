import { isFinal } from '../../../src/registration/registration-state.ts'
import type { Handle } from './handle.ts'
import type { SimProcess } from './sim-process.ts'

/** Whether the user still wants it to be registered, and its status is not final. */
export const isWanted = (process: SimProcess, handle: Handle): boolean =>
  process.alive &&
  !handle.takenBack &&
  handle.registration !== undefined &&
  !isFinal(handle.registration.status.state)
