import { type ChannelOptions, experimental, Metadata, status } from '@grpc/grpc-js'
import { createPicker } from '@sd/balancer'
import {
  type Discovery,
  type InstanceChange,
  RegistryError,
  type ServiceInstance,
  show,
  type WatchEvent,
  type Watcher,
} from '@sd/core'
import {
  type PolicySettings,
  policyName,
  type ServiceUpdate,
  updateKey,
} from '../policy/service-update.ts'
import { isAuthority } from './authority.ts'
import { EndpointList } from './endpoint-list.ts'
import { authorityFor, type ResolverBinding, settingsOf, whereIs } from './resolver-binding.ts'
import { serviceConfigOf } from './service-config.ts'
import { parseServiceTarget } from './service-target.ts'
import { ServiceView } from './service-view.ts'

const { statusOrFromError, statusOrFromValue } = experimental
type ServiceConfig = ReturnType<typeof serviceConfigOf>

/** The result of a valid target. */
interface Resolution {
  readonly discovery: Discovery
  readonly service: string
  readonly where: string
  readonly settings: PolicySettings
  readonly serviceConfig: ServiceConfig
  /** `undefined` if this package's policy picks. */
  readonly endpoints: EndpointList | undefined
}

const resolutionOf = (
  uri: experimental.GrpcUri,
  binding: ResolverBinding | undefined,
  channelOptions: ChannelOptions,
): Resolution | string => {
  if (binding === undefined)
    return `no registry is registered for ${uri.scheme}:///; call registerResolver(registry) of @sd/grpc first`
  try {
    const target = parseServiceTarget(experimental.uriToString(uri))
    const settings = settingsOf(target, binding)
    // the picker checks strategies and filters
    createPicker(settings.picker).close()
    const authority = authorityFor(target, binding)
    if (!isAuthority(authority))
      return `the authority of ${target.service} is ${show(authority)}; expected a host, or host:port: see the option authority of registerResolver`
    const serviceConfig = serviceConfigOf(binding.retry, channelOptions)
    const [policy = {}] = serviceConfig.loadBalancingConfig
    const endpoints = policyName in policy ? undefined : new EndpointList(settings)
    const { discovery } = binding
    const { service } = target
    const where = whereIs(target, binding)
    return { discovery, service, where, settings, serviceConfig, endpoints }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/**
 * Follows a service for one channel. It reports the complete list once known, and each later
 * change. While the registry is unreachable it reports nothing. If nothing is known yet, it reports
 * an error with the same service config: without the config grpc-js would change the policy and
 * drop every connection.
 */
export class ServiceResolver implements experimental.Resolver {
  readonly #listener: experimental.ResolverListener
  readonly #resolution: Resolution | string
  #view = new ServiceView()
  #watcher: Watcher | undefined
  #lastRead: readonly ServiceInstance[] | undefined
  /** Whether the watch has delivered its first full state. */
  #synced = false
  /** Why there is no watch. */
  #ended: RegistryError | undefined
  #telling: NodeJS.Immediate | undefined

  constructor(
    uri: experimental.GrpcUri,
    listener: experimental.ResolverListener,
    channelOptions: ChannelOptions,
    binding: ResolverBinding | undefined,
  ) {
    this.#listener = listener
    this.#resolution = resolutionOf(uri, binding, channelOptions)
  }

  updateResolution(): void {
    if (typeof this.#resolution !== 'string') this.#read(this.#resolution)
    this.#tellSoon()
  }

  /**
   * Called when the channel is closed or idle. A call on an idle channel calls `updateResolution`
   * again.
   */
  destroy(): void {
    clearImmediate(this.#telling)
    this.#telling = undefined
    const watcher = this.#watcher
    this.#watcher = undefined
    this.#synced = false
    this.#lastRead = undefined
    // the view would become outdated, and the policy also starts again
    this.#view = new ServiceView()
    watcher?.close()
  }

  #read({ discovery, service }: Resolution): void {
    if (this.#watcher !== undefined) {
      this.#readAgain(this.#watcher)
      return
    }
    try {
      this.#watcher = discovery.watch(service)
      this.#synced = false
      this.#ended = undefined
      void this.#follow(this.#watcher)
    } catch (error) {
      this.#ended = RegistryError.from(error, { backend: 'grpc', operation: 'watch', service })
    }
  }

  /** The watch reports all changes itself; this only serves an explicit request of the channel. */
  #readAgain(watcher: Watcher): void {
    if (!this.#synced || watcher.instances === this.#lastRead) return
    // the list is built once for each version, so the same list has the same contents
    this.#lastRead = watcher.instances
    this.#view.replace(watcher.instances)
  }

  async #follow(watcher: Watcher): Promise<void> {
    try {
      for await (const event of watcher) {
        if (watcher !== this.#watcher) return
        this.#take(event)
      }
    } catch (error) {
      this.#ended = RegistryError.from(error, { backend: 'grpc', operation: 'watch' })
    }
    if (watcher !== this.#watcher) return
    // the registry was closed: the last known instances stay in use, and the next request opens a
    // new watch
    this.#watcher = undefined
    this.#tellSoon()
  }

  #take(event: WatchEvent<InstanceChange>): void {
    if (event.type !== 'stale') {
      if (this.#synced) this.#view.apply(event.changes)
      // the first event of a watch contains all instances
      else this.#view.replace(event.changes.map(({ instance }) => instance))
      this.#synced = true
    }
    this.#tellSoon()
  }

  /** Reports asynchronously: a channel is not ready for a report while it requests one. */
  #tellSoon(): void {
    this.#telling ??= setImmediate(() => {
      this.#telling = undefined
      this.#tell()
    })
  }

  #tell(): void {
    const resolution = this.#resolution
    if (typeof resolution === 'string') return this.#tellRefused(resolution)
    const { where, settings, serviceConfig, endpoints } = resolution
    const stale = this.#watcher?.stale
    const update: ServiceUpdate = { type: 'instances', where, settings, view: this.#view, stale }
    const unknown = this.#whyUnknown(where)
    // calls also wait for the registry's first report
    if (unknown === undefined && !this.#synced) return
    this.#listener(
      unknown === undefined
        ? statusOrFromValue(endpoints?.follow(this.#view) ?? [])
        : statusOrFromError({
            code: status.UNAVAILABLE,
            details: unknown,
            metadata: new Metadata(),
          }),
      { [updateKey]: update },
      statusOrFromValue(serviceConfig),
      `${this.#view.size} instances of ${where}`,
    )
  }

  /** Why the list is unknown or must not be reported; `undefined` if it can be, now or soon. */
  #whyUnknown(where: string): string | undefined {
    if (this.#watcher === undefined) {
      const why = this.#ended?.message ?? 'the registry was closed'
      return `the instances of ${where} are not known: ${why}`
    }
    const { stale } = this.#watcher
    // an empty list would drop connections that may still work
    if (stale === undefined || this.#view.size > 0) return undefined
    return `the instances of ${where} are not known: the registry cannot be reached since ${stale.since.toISOString()}: ${stale.cause.message}`
  }

  #tellRefused(problem: string): void {
    const update: ServiceUpdate = { type: 'refused', problem }
    this.#listener(
      statusOrFromError({ code: status.INTERNAL, details: problem, metadata: new Metadata() }),
      { [updateKey]: update },
      statusOrFromValue({ loadBalancingConfig: [{ [policyName]: {} }], methodConfig: [] }),
      problem,
    )
  }
}
