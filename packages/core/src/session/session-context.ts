import type { RegistryDriver } from '../driver/registry-driver.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Publish } from '../runtime/diagnostics.ts'
import type { Random } from '../runtime/random.ts'
import type { BackoffOptions } from '../runtime/timing.ts'

/** The dependencies that sessions and registrations share. */
export interface SessionContext {
  readonly driver: RegistryDriver
  readonly backend: string
  /** This registry's name in claims. */
  readonly owner: string
  readonly clock: Clock
  readonly random: Random
  readonly ttlMs: number
  readonly callTimeoutMs: number
  readonly backoff: BackoffOptions
  readonly publish: Publish
}
