import { instanceKey, type InstanceRecord } from './model/instance-record.ts'
import type { ServiceInstance } from './model/service-instance.ts'
import { Iteration } from './runtime/iteration.ts'
import type { Reader } from './watch/reader.ts'
import type { WatchEngine } from './watch/watch-engine.ts'
import type { InstanceChange, ServiceChange, Staleness, WatchEvent } from './watch/watch-event.ts'
import type { WatchHub } from './watch/watch-hub.ts'

/**
 * What every watcher offers. Iterating it, `next` and its properties read the same view: the last
 * known state of the backend. A reader that falls behind gets one merged change and delays nobody.
 */
export interface BaseWatcher<Change> extends AsyncIterable<WatchEvent<Change>>, AsyncDisposable {
  /** How many entries the view has. */
  readonly size: number
  /** Set while the backend cannot be reached; the view keeps the last known state. */
  readonly stale: Staleness | undefined
  /**
   * The next event: first everything present as `sync`, then the net difference to what this
   * watcher returned before. Waits until there is one, with no deadline; resolves to `undefined`
   * once the watcher or the registry is closed. Aborting `options.signal` ends only this wait, with
   * the signal's reason.
   * @throws RegistryError what the backend refuses the first attach with, where trying again cannot
   * help: `permission-denied`, `unsupported`. Any later failure is an event of type `stale`.
   */
  next(options?: {
    readonly signal?: AbortSignal | undefined
  }): Promise<WatchEvent<Change> | undefined>
  /** Ends the watch of this reader at once; no I/O. Idempotent. Leaving the iteration does the same. */
  close(): void
}

/** The role of whoever follows the instances of one service; see `Discovery.watch`. */
export interface Watcher extends BaseWatcher<InstanceChange> {
  /** The whole present list, made once for each version and shared: on a hot path use the changes. */
  readonly instances: readonly ServiceInstance[]
  /** Ids that are kept only by loss protection. */
  readonly held: readonly string[]
  /** The instance as it is in the view; `undefined` when there is none of this id. */
  get(id: string): ServiceInstance | undefined
  /**
   * Who registered the instance, when and with which ttl: the record behind it. `undefined` when
   * there is none, and while the instance is kept only by loss protection.
   */
  record(id: string): InstanceRecord | undefined
}

/** Follows the instances of every service; see `Discovery.watchAll`. */
export interface AllWatcher extends BaseWatcher<InstanceChange> {
  /** The whole present list, made once for each version and shared: on a hot path use the changes. */
  readonly instances: readonly ServiceInstance[]
  /** Instances that are kept only by loss protection. */
  readonly held: readonly { readonly service: string; readonly id: string }[]
  /** The instance as it is in the view; `undefined` when there is none of this name. */
  get(service: string, id: string): ServiceInstance | undefined
  /** The record behind an instance, as `Watcher.record`. */
  record(service: string, id: string): InstanceRecord | undefined
}

/** Follows which services have an instance; see `Discovery.watchServices`. */
export interface ServicesWatcher extends BaseWatcher<ServiceChange> {
  /** The names of the services, made once for each version and shared. */
  readonly services: readonly string[]
  /** Names that are kept only by loss protection. */
  readonly held: readonly string[]
  /** Whether the service has an instance. */
  has(service: string): boolean
}

class EngineWatcher<T, Change> implements BaseWatcher<Change> {
  protected readonly engine: WatchEngine<T, Change>
  readonly #reader: Reader<T, Change>
  readonly #signal: AbortSignal | undefined
  readonly #abort = (): void => this.#end(this.#signal?.reason)
  #closed = false

  constructor(engine: WatchEngine<T, Change>, signal: AbortSignal | undefined) {
    this.engine = engine
    this.#reader = engine.open()
    this.#signal = signal
    if (signal?.aborted === true) this.#abort()
    else signal?.addEventListener('abort', this.#abort, { once: true })
  }

  get size(): number {
    return this.engine.served.entries.size
  }
  get stale(): Staleness | undefined {
    return this.engine.served.stale
  }

  next(
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<WatchEvent<Change> | undefined> {
    return this.#reader.next(options.signal)
  }

  close(): void {
    this.#end(undefined)
  }

  [Symbol.asyncIterator](): AsyncGenerator<WatchEvent<Change>, void, void> {
    return new Iteration({ next: () => this.next(), leave: () => this.close() })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  #end(reason: unknown): void {
    if (this.#closed) return
    this.#closed = true
    this.#signal?.removeEventListener('abort', this.#abort)
    this.#reader.end(reason)
    this.engine.release(this.#reader)
  }
}

class ServiceWatcher extends EngineWatcher<ServiceInstance, InstanceChange> implements Watcher {
  readonly #service: string

  constructor(
    engine: WatchEngine<ServiceInstance, InstanceChange>,
    service: string,
    signal: AbortSignal | undefined,
  ) {
    super(engine, signal)
    this.#service = service
  }

  get instances(): readonly ServiceInstance[] {
    return this.engine.served.values()
  }
  get held(): readonly string[] {
    const { held, entries } = this.engine.served
    return held.flatMap((key) => entries.get(key)?.id ?? [])
  }
  get(id: string): ServiceInstance | undefined {
    return this.engine.served.entries.get(instanceKey(this.#service, id))
  }
  record(id: string): InstanceRecord | undefined {
    return this.engine.view.record?.(instanceKey(this.#service, id))
  }
}

class EveryServiceWatcher
  extends EngineWatcher<ServiceInstance, InstanceChange>
  implements AllWatcher
{
  get instances(): readonly ServiceInstance[] {
    return this.engine.served.values()
  }
  get held(): readonly { readonly service: string; readonly id: string }[] {
    return this.engine.served.held.flatMap((key) => this.engine.served.entries.get(key) ?? [])
  }
  get(service: string, id: string): ServiceInstance | undefined {
    return this.engine.served.entries.get(instanceKey(service, id))
  }
  record(service: string, id: string): InstanceRecord | undefined {
    return this.engine.view.record?.(instanceKey(service, id))
  }
}

class ServiceNamesWatcher extends EngineWatcher<string, ServiceChange> implements ServicesWatcher {
  get services(): readonly string[] {
    return this.engine.served.values()
  }
  get held(): readonly string[] {
    return this.engine.served.held
  }
  has(service: string): boolean {
    return this.engine.served.entries.has(service)
  }
}

/** A watcher of one service. */
export const watchService = (
  hub: WatchHub,
  service: string,
  signal: AbortSignal | undefined,
): Watcher => new ServiceWatcher(hub.instances({ service }), service, signal)

/** A watcher of every instance. */
export const watchAll = (hub: WatchHub, signal: AbortSignal | undefined): AllWatcher =>
  new EveryServiceWatcher(hub.instances({ all: true }), signal)

/** A watcher of the services that have an instance. */
export const watchServices = (hub: WatchHub, signal: AbortSignal | undefined): ServicesWatcher =>
  new ServiceNamesWatcher(hub.services(), signal)
