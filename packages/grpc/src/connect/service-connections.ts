import { Code, ConnectError } from '@connectrpc/connect'
import { createPicker, type Pick, type PickerOptions } from '@sd/balancer'
import type { Discovery, InstanceChange, Watcher } from '@sd/core'
import { FailedConnections } from './failed-connections.ts'
import { type ConnectionSettings, InstanceConnection } from './instance-connection.ts'

/** The instance and connection of one attempt. */
export interface ConnectionPick {
  readonly connection: InstanceConnection
  readonly pick: Pick
}

interface KnownConnection {
  readonly endpoint: string
  readonly to: InstanceConnection
}

/** Follows a service, and keeps a connection to each of its instances that was picked. */
export class ServiceConnections {
  readonly #watcher: Watcher
  readonly #picker
  readonly #failed: FailedConnections
  readonly #schemes: readonly string[]
  readonly #settings: ConnectionSettings
  readonly #connections = new Map<string, KnownConnection>()
  readonly #told = Promise.withResolvers<void>()
  #isTold = false
  #synced = false
  #closed = false

  constructor(
    discovery: Discovery,
    service: string,
    picker: PickerOptions,
    schemes: readonly string[],
    settings: ConnectionSettings,
  ) {
    this.#picker = createPicker({ ...picker, service })
    this.#failed = new FailedConnections(this.#picker)
    this.#schemes = schemes
    this.#settings = settings
    this.#watcher = discovery.watch(service)
    void this.#follow()
  }

  /** How many instances have a connection, including broken ones. */
  get size(): number {
    return this.#connections.size
  }

  get isTold(): boolean {
    return this.#isTold
  }

  /** Resolves once the registry has reported the instances, or cannot be reached. */
  told(): Promise<void> {
    return this.#told.promise
  }

  /** @throws ConnectError Unavailable, saying why none can be picked; Canceled once it is closed */
  pick(key: string | undefined, exclude: ReadonlySet<string>): ConnectionPick {
    const pick = this.#pick(key, exclude)
    try {
      return { pick, connection: this.#connectionTo(pick) }
    } catch {
      // the endpoint is not a URL, as other programs also write records
      pick.done()
      return this.pick(key, new Set([...exclude, pick.instance.id]))
    }
  }

  /** No stream could be opened: excludes the instance from picks for a while. */
  failed(id: string): void {
    if (this.#connections.has(id)) this.#failed.failed(id)
  }

  succeeded(id: string): void {
    this.#failed.succeeded(id)
  }

  /** Releases the watch. Each connection ends with its last stream. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#watcher.close()
    this.#failed.close()
    this.#picker.close()
    for (const { to } of this.#connections.values()) to.leave()
    this.#connections.clear()
    this.#tell()
  }

  #pick(key: string | undefined, exclude: ReadonlySet<string>): Pick {
    if (this.#closed) throw new ConnectError('the transport was closed', Code.Canceled)
    const request = { key, exclude, scheme: this.#schemes }
    for (;;) {
      try {
        return this.#picker.pick(request)
      } catch (error) {
        // an instance whose connection failed recently is better than none
        if (!this.#failed.resumeAll()) throw this.#unavailable(error)
      }
    }
  }

  #unavailable(error: unknown): ConnectError {
    const { stale } = this.#watcher
    const since =
      stale === undefined
        ? ''
        : `the registry cannot be reached since ${stale.since.toISOString()}: ${stale.cause.message}`
    const reason = error instanceof Error ? error.message : String(error)
    const message = this.#synced || since === '' ? `${reason}${since && `; ${since}`}` : since
    return new ConnectError(message, Code.Unavailable, undefined, undefined, error)
  }

  #connectionTo({ instance, endpoint }: Pick): InstanceConnection {
    const known = this.#connections.get(instance.id)
    if (known?.endpoint === endpoint) return known.to
    known?.to.leave()
    const to = new InstanceConnection(endpoint, this.#settings)
    this.#connections.set(instance.id, { endpoint, to })
    return to
  }

  async #follow(): Promise<void> {
    try {
      for await (const event of this.#watcher) {
        if (event.type !== 'stale') this.#take(event.changes)
        this.#tell()
      }
    } catch {
      // a watch without a signal ends without an error; its end is handled below
    }
    // the registry was closed: the last known instances stay in use
    this.#tell()
  }

  #tell(): void {
    this.#isTold = true
    this.#told.resolve()
  }

  #take(changes: readonly InstanceChange[]): void {
    this.#synced = true
    for (const { type, instance } of this.#picker.apply(changes)) {
      if (type === 'added') continue
      const known = this.#connections.get(instance.id)
      if (known === undefined) continue
      if (type === 'updated' && instance.endpoints.includes(known.endpoint)) continue
      this.#connections.delete(instance.id)
      this.#failed.forget(instance.id)
      known.to.leave()
    }
  }
}
