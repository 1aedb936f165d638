/** Faults planted into the simulated driver, to prove that the simulation finds them. */
export type DriverMutant =
  | 'resume-from-wrong-revision'
  | 'resume-after-wipe'
  | 'drop-the-empty-set'
  | 'remove-without-comparing-owner'
  | 'put-without-comparing-claims'
  | 'close-without-revoking'
  | 'fence-nothing'

/** What is legal and differs between backends, plus planted faults. */
export interface DriverProfile {
  /** Every change is a snapshot. */
  readonly snapshots: boolean
  /** How often an idle stream proves that it lives; never without. */
  readonly aliveMs: number | undefined
  /** The server tells a session that it is gone, instead of answering its next call so. */
  readonly pushesLoss: boolean
  readonly maxBatch: number
  readonly mutant?: DriverMutant | undefined
}
