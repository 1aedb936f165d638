import type { CallSubject } from '../runtime/abort.ts'
import type { Availability } from '../runtime/availability.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Publish } from '../runtime/diagnostics.ts'
import type { Random } from '../runtime/random.ts'
import type { BackoffOptions } from '../runtime/timing.ts'
import type { RegistryDriver } from './registry-driver.ts'

/** What every part of one registry needs to call its backend. */
export interface CallContext {
  readonly driver: RegistryDriver
  readonly backend: string
  readonly clock: Clock
  readonly random: Random
  readonly ttlMs: number
  readonly callTimeoutMs: number
  readonly backoff: BackoffOptions
  readonly publish: Publish
  readonly availability: Availability
}

/** Names a call in errors. A timeout also tells what the driver's connections last saw. */
export const callSubject = (
  { backend, driver }: Pick<CallContext, 'backend' | 'driver'>,
  operation: string,
  service?: string,
): CallSubject => ({ backend, operation, service, lastSeen: () => driver.lastSeen?.() })
