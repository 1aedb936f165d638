import { instanceKey, type InstanceRecord } from './model/instance-record.ts'
import type { ServiceInstance } from './model/service-instance.ts'
import { Reader } from './watch/reader.ts'
import type { ServedView } from './watch/served-view.ts'
import type { InstanceChange, ServiceChange, Staleness, WatchEvent } from './watch/watch-event.ts'
import type { WatchHub } from './watch/watch-hub.ts'

/**
 * The common part of all watchers. Iteration, `next` and the properties read the same view: the last
 * known state of the backend. A reader that falls behind gets one merged change and delays no other.
 */
export interface BaseWatcher<Change> extends AsyncIterable<WatchEvent<Change>>, AsyncDisposable {
  /** The number of entries in the view. */
  readonly size: number
  /** Set while the backend cannot be reached; the view keeps the last known state. */
  readonly stale: Staleness | undefined
  /**
   * Resolves to the next event: first everything present as `sync`, then the net difference to what
   * this watcher returned before. While nothing could be read yet because the backend cannot be
   * reached, the first event is `stale`. Waits without a deadline; resolves to `undefined` once the
   * watcher or the registry is closed. Aborting `options.signal` ends only this wait, with the signal's
   * reason.
   * @throws RegistryError a permanent failure of the first attach: `permission-denied`,
   * `unsupported`. Any later failure is an event of type `stale`.
   */
  next(options?: {
    readonly signal?: AbortSignal | undefined
  }): Promise<WatchEvent<Change> | undefined>
  /** Ends this watcher at once, without I/O. Idempotent. Leaving the iteration does the same. */
  close(): void
}

/** Follows the instances of one service; see `Discovery.watch`. */
export interface Watcher extends BaseWatcher<InstanceChange> {
  /** The whole present list, made once for each version and shared: on a hot path use the changes. */
  readonly instances: readonly ServiceInstance[]
  /** Ids that are kept only by loss protection. */
  readonly held: readonly string[]
  /** The instance in the view; `undefined` when there is none with this id. */
  get(id: string): ServiceInstance | undefined
  /**
   * The record of an instance: its owner, registration time and ttl. `undefined` when there is none,
   * and while the instance is kept only by loss protection.
   */
  record(id: string): InstanceRecord | undefined
}

/** Follows the instances of every service; see `Discovery.watchAll`. */
export interface AllWatcher extends BaseWatcher<InstanceChange> {
  /** The whole present list, made once for each version and shared: on a hot path use the changes. */
  readonly instances: readonly ServiceInstance[]
  /** Instances that are kept only by loss protection. */
  readonly held: readonly { readonly service: string; readonly id: string }[]
  /** The instance in the view; `undefined` when there is none with this service and id. */
  get(service: string, id: string): ServiceInstance | undefined
  /** The record of an instance, as `Watcher.record`. */
  record(service: string, id: string): InstanceRecord | undefined
}

/** Follows which services have an instance; see `Discovery.watchServices`. */
export interface ServicesWatcher extends BaseWatcher<ServiceChange> {
  /** The names of the services, built once for each version and shared. */
  readonly services: readonly string[]
  /** Names that are kept only by loss protection. */
  readonly held: readonly string[]
  /** Whether the service has an instance. */
  has(service: string): boolean
}

class ServiceWatcher extends Reader<ServiceInstance, InstanceChange> implements Watcher {
  readonly #service: string

  constructor(
    served: ServedView<ServiceInstance, InstanceChange>,
    service: string,
    signal: AbortSignal | undefined,
  ) {
    super(served, signal)
    this.#service = service
  }

  get instances(): readonly ServiceInstance[] {
    return this.served.values()
  }
  get held(): readonly string[] {
    const { held, entries } = this.served
    return held.flatMap((key) => entries.get(key)?.id ?? [])
  }
  get(id: string): ServiceInstance | undefined {
    return this.served.entries.get(instanceKey(this.#service, id))
  }
  record(id: string): InstanceRecord | undefined {
    return this.served.record(instanceKey(this.#service, id))
  }
}

class EveryServiceWatcher extends Reader<ServiceInstance, InstanceChange> implements AllWatcher {
  get instances(): readonly ServiceInstance[] {
    return this.served.values()
  }
  get held(): readonly { readonly service: string; readonly id: string }[] {
    return this.served.held.flatMap((key) => this.served.entries.get(key) ?? [])
  }
  get(service: string, id: string): ServiceInstance | undefined {
    return this.served.entries.get(instanceKey(service, id))
  }
  record(service: string, id: string): InstanceRecord | undefined {
    return this.served.record(instanceKey(service, id))
  }
}

class ServiceNamesWatcher extends Reader<string, ServiceChange> implements ServicesWatcher {
  get services(): readonly string[] {
    return this.served.values()
  }
  get held(): readonly string[] {
    return this.served.held
  }
  has(service: string): boolean {
    return this.served.entries.has(service)
  }
}

/** Creates a watcher of one service. */
export const watchService = (
  hub: WatchHub,
  service: string,
  signal: AbortSignal | undefined,
): Watcher => new ServiceWatcher(hub.instances({ service }).served, service, signal)

/** Creates a watcher of every instance. */
export const watchAll = (hub: WatchHub, signal: AbortSignal | undefined): AllWatcher =>
  new EveryServiceWatcher(hub.instances({ all: true }).served, signal)

/** Creates a watcher of the services that have an instance. */
export const watchServices = (hub: WatchHub, signal: AbortSignal | undefined): ServicesWatcher =>
  new ServiceNamesWatcher(hub.services().served, signal)
