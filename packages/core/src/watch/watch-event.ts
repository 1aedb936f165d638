import type { ServiceInstance } from '../model/service-instance.ts'
import type { RegistryError } from '../registry-error.ts'

/** One net difference to what this reader received before. */
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
 * An event of a watcher. `sync`: the view was confirmed against the backend. The first one has
 * everything present as added, and each later one follows a `stale`. `change`: the view changed.
 * `stale`: the backend cannot be reached, and the last known state stays readable. Only `stale` may
 * precede the first `sync`: nothing could be read yet.
 */
export type WatchEvent<Change> =
  | { readonly type: 'sync' | 'change'; readonly changes: readonly Change[] }
  | { readonly type: 'stale'; readonly cause: RegistryError }

/** Since when and why the view is unconfirmed. */
export interface Staleness {
  readonly since: Date
  readonly cause: RegistryError
}
