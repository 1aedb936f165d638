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

/** What a target that makes sense comes to. */
interface Resolution {
  readonly discovery: Discovery
  readonly service: string
  readonly where: string
  readonly settings: PolicySettings
  readonly serviceConfig: ServiceConfig
  /** `undefined`: our policy picks. */
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
    // the picker knows which strategies and filters make sense
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
 * Follows a service for one channel. It tells the channel the whole list when that is known, and each
 * change of it; while the registry is away it tells nothing, or, when nothing is known yet, an error
 * with the same service config: without it grpc-js would change the policy and drop every connection.
 */
export class ServiceResolver implements experimental.Resolver {
  readonly #listener: experimental.ResolverListener
  readonly #resolution: Resolution | string
  #view = new ServiceView()
  #watcher: Watcher | undefined
  #lastRead: readonly ServiceInstance[] | undefined
  /** Whether the watch has told all that there is. */
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

  /** The channel is closed or idle; a call on an idle one asks for `updateResolution` again. */
  destroy(): void {
    clearImmediate(this.#telling)
    this.#telling = undefined
    const watcher = this.#watcher
    this.#watcher = undefined
    this.#synced = false
    this.#lastRead = undefined
    // a view that nobody follows grows old, and the policy begins anew as well
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

  /** The watch tells every change by itself; this is the channel's right to ask. */
  #readAgain(watcher: Watcher): void {
    if (!this.#synced || watcher.instances === this.#lastRead) return
    // made once for each version, so the same list says the same
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
    // the registry was closed: what is known goes on serving, and the next question opens a new watch
    this.#watcher = undefined
    this.#tellSoon()
  }

  #take(event: WatchEvent<InstanceChange>): void {
    if (event.type !== 'stale') {
      if (this.#synced) this.#view.apply(event.changes)
      // the first event of a watch tells all that there is
      else this.#view.replace(event.changes.map(({ instance }) => instance))
      this.#synced = true
    }
    this.#tellSoon()
  }

  /** Never at once: the channel is not ready to be told while it asks. */
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
    // still waiting for the first word of the registry: so do the calls
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

  /** Why the list must not be told, or cannot; `undefined` when it can, or may soon. */
  #whyUnknown(where: string): string | undefined {
    if (this.#watcher === undefined) {
      const why = this.#ended?.message ?? 'the registry was closed'
      return `the instances of ${where} are not known: ${why}`
    }
    const { stale } = this.#watcher
    // an empty list would drop connections that may well be alive
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
