import type { ServiceInstance } from '../model/service-instance.ts'
import type { RegistryError } from '../registry-error.ts'

/** One net difference to what this reader was told before. */
export type InstanceChange =
  | { readonly type: 'added'; readonly instance: ServiceInstance }
  | {
      readonly type: 'updated'
      readonly instance: ServiceInstance
      readonly previous: ServiceInstance
    }
  | { readonly type: 'removed'; readonly instance: ServiceInstance }

/** One service that got its first instance or lost its last. */
export interface ServiceChange {
  readonly type: 'added' | 'removed'
  readonly service: string
}

/**
 * What a watcher tells. `sync`: the view was confirmed against the backend: the first event, with
 * everything present as added, and again after each `stale`. `change`: something differs. `stale`:
 * the backend cannot be reached, and the last known good stays readable.
 */
export type WatchEvent<Change> =
  | { readonly type: 'sync' | 'change'; readonly changes: readonly Change[] }
  | { readonly type: 'stale'; readonly cause: RegistryError }

/** Since when the view is not confirmed, and why. */
export interface Staleness {
  readonly since: Date
  readonly cause: RegistryError
}
