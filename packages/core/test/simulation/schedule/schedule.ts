import type { DriverProfile } from '../driver/driver-profile.ts'
import type { Operation } from './operation.ts'

/**
 * What a seed tests. `storm`: any mix. `short`: outages below half the ttl with data kept: no
 * watcher sees a removal (R4). `blackout`: outages of any length: all registrations are back within
 * the cap + 1 s (R5). `tamper`: third parties delete, damage and edit records: restored or adopted
 * within a ttl (R5). `wipe`: the backend loses its data: loss protection holds (W4). `restore`: the
 * backend returns to a backup: what is missing or old comes back (R5), what is too much goes (R6) within
 * a ttl, and loss protection holds (W4). `slow`: every round trip takes longer than ttl/6: no session is
 * lost, no watch becomes stale.
 */
export type SeedKind = 'storm' | 'short' | 'blackout' | 'tamper' | 'wipe' | 'restore' | 'slow'

/** The settings of one run. */
export interface SimulationConfig {
  readonly ttlMs: number
  readonly ttlFactor: number
  readonly graceMs: number
  /** Whether sessions live on when a backup that has them is restored. */
  readonly backupKeepsLeases: boolean
  readonly capMs: number
  readonly callTimeoutMs: number
  readonly closeTimeoutMs: number
  readonly processes: number
  /** Whether wall clocks step by up to an hour. */
  readonly clockSteps: boolean
  readonly driver: DriverProfile
}

/** Everything that a run depends on. */
export interface Schedule {
  readonly seed: number
  readonly kind: SeedKind
  readonly config: SimulationConfig
  readonly operations: readonly Operation[]
}

/** The time at which the last fault ends. */
export const faultsEndMs = ({ operations }: Schedule): number =>
  Math.max(0, ...operations.map((o) => o.atMs + ('forMs' in o ? o.forMs : 0)))
