import { type Discovery, RegistryError, type Watcher } from '@sd/core'
import { ServiceAgent, ServiceDispatcher, type ServiceOptions } from '@sd/undici'
import type { Dispatcher } from 'undici'
import { check, type CheckedRoute } from './check-routes.ts'
import { GrpcUpstream } from './grpc-upstream.ts'

// the host of a service whose name is not one
const otherHost = 'service.sd'

const hostOf = (service: string): string =>
  /^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/.test(service) && !/\.\.|\d$/.test(service)
    ? `${service}.sd`
    : otherHost

const serviceOptions = ({
  balancer,
  keyHeader,
  retry,
  timeouts = {},
  tls,
}: CheckedRoute): ServiceOptions => {
  const { discoveryMs, connectMs, callMs, responseMs = 60_000, bodyMs = 300_000 } = timeouts
  const { name, ...pem } = tls ?? {}
  return {
    balancer,
    retry,
    key: keyHeader,
    timeouts: { discoveryMs, connectMs, callMs },
    tlsName: name === 'service' ? 'url' : name,
    pool: {
      allowH2: false,
      headersTimeout: responseMs,
      bodyTimeout: bodyMs,
      ...(tls === undefined ? {} : { connect: pem as object }),
    },
  }
}

const makeDispatcher = (
  discovery: Discovery,
  route: CheckedRoute,
  host: string,
  at: string,
): ServiceDispatcher => {
  try {
    return new ServiceDispatcher({
      discovery,
      fallback: null,
      services: { [host]: route.service },
      ...serviceOptions(route),
    })
  } catch (error) {
    // removes the prefix with the operation, which the new error adds itself
    return check.refuse(`${at}: ${(error as Error).message.replace(/^\[[a-z-]+\] .*?: /, '')}`)
  }
}

const makeAgent = (discovery: Discovery, route: CheckedRoute, host: string): ServiceAgent => {
  const { balancer, key, timeouts, tlsName } = serviceOptions(route)
  const { discoveryMs } = timeouts ?? {}
  const { name: _, ...pem } = route.tls ?? {}
  return new ServiceAgent({
    discovery,
    services: { [host]: route.service },
    balancer,
    key,
    tlsName,
    timeouts: { discoveryMs },
    https: pem as object,
  })
}

/** One route's service: its dispatcher, and a watch that keeps the list of instances ready. */
export class Upstream {
  readonly service: string
  /** The host that stands for the service in the dispatcher and the agent. */
  readonly host: string
  /** The scheme and the host: the origin of requests to the dispatcher. */
  readonly origin: string
  readonly #dispatcher: ServiceDispatcher
  readonly #watcher: Watcher
  readonly #makeAgent: () => ServiceAgent
  readonly #makeGrpc: () => GrpcUpstream
  #agent: ServiceAgent | undefined
  #grpc: GrpcUpstream | undefined
  #heard = false

  /**
   * `at`: the route's place in the configuration, for errors.
   * @throws RegistryError `invalid-config`, naming the option
   */
  constructor(discovery: Discovery, route: CheckedRoute, at: string) {
    const { service, scheme } = route
    const host = hostOf(service)
    this.service = service
    this.host = host
    this.#makeAgent = () => makeAgent(discovery, route, host)
    this.#makeGrpc = () => new GrpcUpstream(discovery, route, host)
    this.origin = `${scheme}://${host}`
    this.#dispatcher = makeDispatcher(discovery, route, host, at)
    this.#watcher = discovery.watch(service)
    void this.#listen()
  }

  /** Whether the registry has reported the service. It may have no instance. */
  get heard(): boolean {
    return this.#heard
  }

  /** Forwards a request to an instance. Its origin is `origin`. */
  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    this.#dispatcher.dispatch(options, handler)
  }

  /** For upgrades. Made when the first one comes. */
  get agent(): ServiceAgent {
    this.#agent ??= this.#makeAgent()
    return this.#agent
  }

  /** For gRPC. Made when the first call comes. */
  get grpc(): GrpcUpstream {
    this.#grpc ??= this.#makeGrpc()
    return this.#grpc
  }

  /** Finishes what is under way, then releases the connections and the watch. */
  async close(): Promise<void> {
    await Promise.all([this.#dispatcher.close(), this.#agent?.close(), this.#grpc?.close()])
    this.#watcher.close()
  }

  /** Ends everything immediately. */
  async destroy(): Promise<void> {
    this.#watcher.close()
    this.#grpc?.destroy()
    await Promise.all([this.#dispatcher.destroy(), this.#agent?.destroy()])
  }

  async #listen(): Promise<void> {
    try {
      for (;;) {
        const event = await this.#watcher.next()
        if (event === undefined) return
        if (event.type === 'stale') continue
        this.#heard = true
        return
      }
    } catch (error) {
      // requests report it
      if (!(error instanceof RegistryError)) throw error
    }
  }
}
