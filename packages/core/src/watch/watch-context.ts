import type { Publish } from '../runtime/diagnostics.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'
import type { RegistryDriver } from '../driver/registry-driver.ts'
import type { BackoffOptions } from '../runtime/timing.ts'
import type { LossProtectionSettings } from './loss-protection.ts'

/** What the watch engines of a registry share. */
export interface WatchContext {
  readonly driver: RegistryDriver
  readonly backend: string
  readonly clock: Clock
  readonly random: Random
  readonly ttlMs: number
  readonly callTimeoutMs: number
  readonly backoff: BackoffOptions
  readonly lossProtection: LossProtectionSettings | undefined
  readonly publish: Publish
}
