import type { DriverProfile } from '../driver/driver-profile.ts'
import type { Operation } from './operation.ts'

/**
 * What a seed is for. `storm`: anything. `short`: outages below half the ttl with data kept: no
 * watcher may be told of a removal (R4). `blackout`: outages of any length: all is back within the
 * cap + 1 s (R5). `tamper`: third parties delete, spoil and edit records: healed or
 * adopted within a ttl (R5). `wipe`: the backend loses its data: loss protection holds (W4). `slow`:
 * every round trip takes longer than ttl/6: no session is lost, no watch stale.
 */
export type SeedKind = 'storm' | 'short' | 'blackout' | 'tamper' | 'wipe' | 'slow'

/** The settings of one run. */
export interface SimulationConfig {
  readonly ttlMs: number
  readonly ttlFactor: number
  readonly graceMs: number
  readonly capMs: number
  readonly callTimeoutMs: number
  readonly closeTimeoutMs: number
  readonly processes: number
  /** Whether wall clocks step by up to an hour. */
  readonly clockSteps: boolean
  readonly driver: DriverProfile
}

/** All that a run depends on. */
export interface Schedule {
  readonly seed: number
  readonly kind: SeedKind
  readonly config: SimulationConfig
  readonly operations: readonly Operation[]
}

/** When the last fault is over. */
export const faultsEndMs = ({ operations }: Schedule): number =>
  Math.max(0, ...operations.map((o) => o.atMs + ('forMs' in o ? o.forMs : 0)))
