import {
  type BaseWatcher,
  type InstanceChange,
  type Registration,
  type Registry,
  RegistryError,
  type ServiceChange,
  type ServiceInstance,
  type WatchEvent,
} from '@sd/core'
import type {
  ReportedProcess,
  ReportedWatcher,
  SeenInstance,
  ToldChange,
  WatchedScope,
} from '../timeline/timeline-event.ts'
import type { Order, OwnHappening } from './messages.ts'

type OpenWatcher = BaseWatcher<InstanceChange | ServiceChange> & {
  readonly held: readonly unknown[]
  readonly instances?: readonly ServiceInstance[]
  readonly services?: readonly string[]
}

/** The code of a `RegistryError`, or the text of whatever else was thrown. */
const endingOf = (error: unknown): string =>
  error instanceof RegistryError ? error.code : `thrown ${String(error)}`

/** The fields of an instance that the checker compares. */
export const seen = ({ service, id, weight, metadata }: ServiceInstance): SeenInstance => ({
  service,
  id,
  weight,
  handle: Number(metadata['handle'] ?? -1),
})

const name = (service: string): SeenInstance => ({ service, id: '', handle: 0, weight: 0 })

const told = (change: InstanceChange | ServiceChange): ToldChange => {
  if ('service' in change) return { type: change.type, ...name(change.service) }
  return {
    type: change.type,
    ...seen(change.instance),
    ...(change.type === 'updated' ? { previous: seen(change.previous) } : {}),
  }
}

/** Registrations and watchers of one process on one registry; reports all that happens to them. */
export class Client {
  readonly #registry: Registry
  readonly #report: (happening: OwnHappening) => void
  readonly #nowMs: () => number
  readonly #registrations = new Map<number, Registration>()
  readonly #watchers = new Map<string, { scope: WatchedScope; watcher: OpenWatcher }>()

  constructor(registry: Registry, report: (happening: OwnHappening) => void, nowMs: () => number) {
    this.#registry = registry
    this.#report = report
    this.#nowMs = nowMs
  }

  /** Begins what is ordered, and reports how it ends. */
  obey(order: Exclude<Order, { order: 'state' | 'leave' }>): void {
    switch (order.order) {
      case 'register':
        void this.#register(order)
        return
      case 'update':
        void this.#update(order.handle, order.weight)
        return
      case 'deregister':
        void this.#deregister(order.handle)
        return
      case 'watch':
        void this.#watch(order.watcher, order.scope)
        return
      case 'unwatch':
        this.#watchers.get(order.watcher)?.watcher.close()
        this.#watchers.delete(order.watcher)
        return
      case 'list':
        void this.#list(order.service)
    }
  }

  /** What the process sees of itself, without I/O. */
  state(): Omit<ReportedProcess, 'process'> {
    const { pendingRemovals, session } = this.#registry.health()
    return {
      registrations: [...this.#registrations].map(([handle, { status }]) => ({
        handle,
        state: status.state,
        ...(status.cause === undefined ? {} : { cause: status.cause.message }),
      })),
      watchers: [...this.#watchers].map(([watcher, open]): ReportedWatcher => {
        const { stale, held, instances, services = [] } = open.watcher
        return {
          watcher,
          scope: open.scope,
          view: instances === undefined ? services.map(name) : instances.map(seen),
          held: held.length,
          ...(stale === undefined ? {} : { stale: stale.cause.message }),
        }
      }),
      pendingRemovals,
      ...(session.id === undefined ? {} : { sessionId: session.id }),
    }
  }

  async #register(order: Extract<Order, { order: 'register' }>): Promise<void> {
    const { handle, service, id, weight, onConflict, waitFor } = order
    this.#report({ type: 'registering', handle, service, id, weight, onConflict, waitFor })
    const metadata = { handle: String(handle) }
    const endpoints = ['http://10.0.0.7:8080']
    try {
      const registration = await this.#registry.register(
        { service, id, endpoints, weight, metadata },
        { onConflict, waitFor },
      )
      const ending = waitFor === 'accepted' ? 'accepted' : 'resolved'
      this.#report({ type: 'register-ended', handle, ending })
      this.#registrations.set(handle, registration)
      for await (const { state, cause } of registration.statuses())
        this.#report({
          type: 'status',
          handle,
          state,
          ...(cause === undefined
            ? {}
            : { cause: state === 'failed' ? cause.code : cause.message }),
        })
    } catch (error) {
      this.#report({ type: 'register-ended', handle, ending: endingOf(error) })
    }
  }

  async #update(handle: number, weight: number): Promise<void> {
    const registration = this.#registrations.get(handle)
    if (registration === undefined) return
    this.#report({ type: 'updating', handle, weight })
    const ending = await ended(registration.update({ weight }))
    this.#report({ type: 'update-ended', handle, weight, ending })
  }

  async #deregister(handle: number): Promise<void> {
    const registration = this.#registrations.get(handle)
    if (registration === undefined) return
    this.#report({ type: 'deregistering', handle })
    const ending = await ended(registration.deregister())
    this.#report({ type: 'deregister-ended', handle, ending })
    this.#registrations.delete(handle)
  }

  async #watch(watcher: string, scope: WatchedScope): Promise<void> {
    const open = this.#openWatcher(scope)
    this.#watchers.set(watcher, { scope, watcher: open })
    this.#report({ type: 'watching', watcher, scope })
    try {
      for await (const event of open) this.#tell(watcher, event)
      this.#report({ type: 'watch-ended', watcher })
    } catch (error) {
      this.#report({ type: 'watch-ended', watcher, cause: endingOf(error) })
    }
  }

  #tell(watcher: string, event: WatchEvent<InstanceChange | ServiceChange>): void {
    const changes = event.type === 'stale' ? [] : event.changes.map(told)
    const cause = event.type === 'stale' ? { cause: event.cause.message } : {}
    this.#report({ type: 'told', watcher, event: event.type, changes, ...cause })
  }

  #openWatcher(scope: WatchedScope): OpenWatcher {
    if (scope === 'all') return this.#registry.watchAll()
    if (scope === 'services') return this.#registry.watchServices()
    return this.#registry.watch(scope.service)
  }

  async #list(service: string): Promise<void> {
    const startedMs = this.#nowMs()
    const found = await this.#registry.list(service).catch(endingOf)
    const failed = typeof found === 'string'
    const ending = failed ? found : 'resolved'
    const instances = failed ? [] : found.map(seen)
    this.#report({ type: 'listed', service, startedMs, ending, instances })
  }
}

/** `resolved`, or the code of the failure. */
const ended = (call: Promise<unknown>): Promise<string> => call.then(() => 'resolved', endingOf)
