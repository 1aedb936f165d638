import type { DriverMutant } from '../driver/driver-profile.ts'

/** Faults planted into the simulated driver, by name. */
export const driverMutants: Readonly<Record<string, DriverMutant>> = {
  'resume from the wrong revision': 'resume-from-wrong-revision',
  'resume after a wipe': 'resume-after-wipe',
  'resume in the history of a restored backup': 'resume-after-restore',
  'keep what a restored backup ties to the session': 'keep-strays',
  'drop the empty set': 'drop-the-empty-set',
  'remove without comparing the owner': 'remove-without-comparing-owner',
  'put without comparing claims': 'put-without-comparing-claims',
  'close a session without revoking it': 'close-without-revoking',
  'fence nothing': 'fence-nothing',
  'forget winners that have left': 'forget-departed-winners',
}
