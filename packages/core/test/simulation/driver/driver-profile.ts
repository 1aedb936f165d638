/** Faults planted into the simulated driver, to test that the simulation finds them. */
export type DriverMutant =
  | 'resume-from-wrong-revision'
  | 'resume-after-wipe'
  | 'resume-after-restore'
  | 'keep-strays'
  | 'drop-the-empty-set'
  | 'remove-without-comparing-owner'
  | 'put-without-comparing-claims'
  | 'close-without-revoking'
  | 'fence-nothing'
  | 'forget-departed-winners'

/** Behaviour that legally differs between backends, plus planted faults. */
export interface DriverProfile {
  /** Every change is a snapshot. */
  readonly snapshots: boolean
  /** How often an idle stream sends a sign of life. Default: never. */
  readonly aliveMs: number | undefined
  /** The server notifies a session of its loss, instead of failing its next call. */
  readonly pushesLoss: boolean
  readonly maxBatch: number
  readonly mutant?: DriverMutant | undefined
}
