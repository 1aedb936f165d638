import { AsyncResource } from 'node:async_hooks'
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
import { CallConfigs } from './call-configs.ts'
import { EndpointList } from './endpoint-list.ts'
import { authorityFor, type ResolverBinding, settingsOf, whereIs } from './resolver-binding.ts'
import { serviceConfigOf } from './service-config.ts'
import { parseServiceTarget } from './service-target.ts'
import { ServiceView } from './service-view.ts'

const { CHANNEL_ARGS_CONFIG_SELECTOR_KEY, statusOrFromError, statusOrFromValue } = experimental
type ServiceConfig = ReturnType<typeof serviceConfigOf>

/** The result of a valid target. */
interface Resolution {
  readonly discovery: Discovery
  readonly service: string
  readonly where: string
  readonly settings: PolicySettings
  readonly serviceConfig: ServiceConfig
  readonly callConfigs: CallConfigs
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
    const own = channelOptions['grpc.default_authority']
    const callConfigs = new CallConfigs({ service, authority: own ?? authority }, serviceConfig)
    return { discovery, service, where, settings, serviceConfig, callConfigs, endpoints }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** What a report contains besides the endpoints. */
const attributesOf = (update: ServiceUpdate, callConfigs: CallConfigs): Record<string, unknown> =>
  // not enumerable: grpc-js would make it an argument of subchannels, and no channels would share one
  Object.defineProperty({ [updateKey]: update }, CHANNEL_ARGS_CONFIG_SELECTOR_KEY, {
    value: callConfigs,
  })

/** The asynchronous context of no call. */
const noCall = new AsyncResource('sd:grpc')

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
  /** Whether the channel has its service config. */
  #configured = false

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
    if (typeof this.#resolution !== 'string') {
      this.#configure(this.#resolution)
      this.#read(this.#resolution)
    }
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
    this.#configured = false
    this.#lastRead = undefined
    // the view would become outdated, and the policy also starts again
    this.#view = new ServiceView()
    watcher?.close()
  }

  /**
   * Reports the service config at once, so that the first calls start in the context of their callers
   * and wait for a pick. Otherwise they would wait for the config, and grpc-js would continue them in
   * the context of the first report. Other policies than this package's would fail calls without
   * endpoints.
   */
  #configure({ where, serviceConfig, callConfigs, endpoints }: Resolution): void {
    if (this.#configured || endpoints !== undefined) return
    this.#configured = true
    this.#listener(
      statusOrFromValue([]),
      attributesOf({ type: 'pending' }, callConfigs),
      statusOrFromValue(serviceConfig),
      `waiting for the instances of ${where}`,
    )
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
    const { where, settings, serviceConfig, callConfigs, endpoints } = resolution
    const stale = this.#watcher?.stale
    const update: ServiceUpdate = { type: 'instances', where, settings, view: this.#view, stale }
    const unknown = this.#whyUnknown(where)
    // calls also wait for the registry's first report
    if (unknown === undefined && !this.#synced) return
    const tell = (): boolean =>
      this.#listener(
        unknown === undefined
          ? statusOrFromValue(endpoints?.follow(this.#view) ?? [])
          : statusOrFromError({
              code: status.UNAVAILABLE,
              details: unknown,
              metadata: new Metadata(),
            }),
        attributesOf(update, callConfigs),
        statusOrFromValue(serviceConfig),
        `${this.#view.size} instances of ${where}`,
      )
    // with another policy, calls that waited for the config start in the context of this report
    if (endpoints === undefined) tell()
    else noCall.runInAsyncScope(tell)
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
