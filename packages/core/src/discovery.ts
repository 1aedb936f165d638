import {
  instanceKeyOf,
  freezeRecord,
  highestRecord,
  type InstanceRecord,
} from './model/instance-record.ts'
import type { ServiceInstance } from './model/service-instance.ts'
import { validateName } from './model/validate-instance.ts'
import type { WaitOptions } from './registration.ts'
import { assertOpen, readScope, type RegistryContext } from './registry-context.ts'
import type { WatchHub } from './watch/watch-hub.ts'
import {
  type AllWatcher,
  type ServicesWatcher,
  watchAll,
  type Watcher,
  watchService,
  watchServices,
} from './watcher.ts'

/** The role of a client that discovers services. */
export interface Discovery {
  /**
   * Lists the instances of a service, read from the backend; `[]` for an unknown service.
   * `capabilities.list` states the consistency of the result. A retryable failure is retried within
   * `callTimeoutMs` (default 3,000 ms). Unreadable records are omitted and reported on `sd:record`.
   * On a hot path use `watch`.
   *
   * Aborting `options.signal` rejects with its reason.
   * @throws RegistryError `invalid-argument` for an invalid name; `unavailable`, `timeout`,
   * `permission-denied`, `closed`
   */
  list(service: string, options?: WaitOptions): Promise<readonly ServiceInstance[]>
  /** Lists the names of all services with an instance, sorted. Retries, signal, errors as `list`. */
  listServices(options?: WaitOptions): Promise<readonly string[]>
  /**
   * Follows the instances of one service. Does no I/O itself and does not fail when the backend is
   * unreachable; the watcher reports that. All watchers of one service share one watch of the backend.
   *
   * A watcher must be closed: by leaving its iteration, by `close`, with `await using`, or by
   * aborting `options.signal`, which makes `next` and the iteration reject with its reason.
   * @throws RegistryError `invalid-argument` for an invalid name; `closed`
   */
  watch(service: string, options?: WaitOptions): Watcher
  /** Follows the instances of every service. Closing, signal and errors as `watch`. */
  watchAll(options?: WaitOptions): AllWatcher
  /** Follows which services have an instance. Closing, signal and errors as `watch`. */
  watchServices(options?: WaitOptions): ServicesWatcher
}

/** Selects the records that are served: for each id the one with the highest claim. */
export const servedRecords = (records: readonly InstanceRecord[]): readonly InstanceRecord[] => {
  const served = new Map<string, InstanceRecord>()
  for (const record of records) {
    const key = instanceKeyOf(record)
    const other = served.get(key)
    const highest = other === undefined ? record : highestRecord([other, record])
    served.set(key, highest ?? record)
  }
  return Array.from(served.values(), freezeRecord)
}

/** Creates a `Discovery` that reads from the backend and watches through `hub`. */
export const createDiscovery = (context: RegistryContext, hub: WatchHub): Discovery => ({
  list: async (service, { signal } = {}) => {
    validateName('list', 'service', service)
    const { records } = await readScope(context, { service }, 'list', signal)
    return servedRecords(records).map(({ instance }) => instance)
  },
  listServices: async ({ signal } = {}) => {
    const { services = [] } = await readScope(context, { services: true }, 'list-services', signal)
    return [...new Set(services)].toSorted()
  },
  watch: (service, { signal } = {}) => {
    assertOpen(context, 'watch')
    validateName('watch', 'service', service)
    return watchService(hub, service, signal)
  },
  watchAll: ({ signal } = {}) => {
    assertOpen(context, 'watch')
    return watchAll(hub, signal)
  },
  watchServices: ({ signal } = {}) => {
    assertOpen(context, 'watch')
    return watchServices(hub, signal)
  },
})
