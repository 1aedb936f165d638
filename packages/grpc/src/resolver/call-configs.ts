import { experimental, type Metadata, type ServiceConfig, status } from '@grpc/grpc-js'
import { type CallTarget, PublishedCall } from '../published-call.ts'
import { rpcChannel } from '../rpc-events.ts'

type CallConfig = ReturnType<experimental.ConfigSelector['invoke']>
type MethodConfig = CallConfig['methodConfig']
type Trailers = Parameters<experimental.Filter['receiveTrailers']>[0]

/** Reports how a call has ended, also when it was cancelled or its deadline has passed. */
class EndFilter extends experimental.BaseFilter {
  readonly #call: PublishedCall

  constructor(call: PublishedCall) {
    super()
    this.#call = call
  }

  override receiveTrailers(trailers: Trailers): Trailers {
    this.#call.ended(trailers.code, trailers.details)
    return trailers
  }
}

/** By `pickInformation`, of which each call has its own object for all its attempts. */
const published = new WeakMap<object, PublishedCall>()

/** The call of a pick, if its progress is published. */
export const publishedCallOf = (extraPickInfo: object): PublishedCall | undefined =>
  published.get(extraPickInfo)

/** As many as grpc-js keeps. */
const maxKnownMethods = 100

/**
 * Gives each call of a channel its part of the service config, and publishes the call's progress.
 * grpc-js asks for it when the call starts, in the caller's asynchronous context, unless the channel
 * has no service config yet.
 */
export class CallConfigs implements experimental.ConfigSelector {
  readonly #target: CallTarget
  readonly #methods: readonly MethodConfig[]
  readonly #known = new Map<string, MethodConfig>()

  constructor(target: CallTarget, { methodConfig }: ServiceConfig) {
    this.#target = target
    this.#methods = methodConfig
  }

  invoke(path: string, metadata: Metadata): CallConfig {
    const pickInformation = {}
    const config = { methodConfig: this.#configOf(path), pickInformation, status: status.OK }
    if (!rpcChannel.hasSubscribers) return { ...config, dynamicFilterFactories: [] }
    // the call's own copy of the metadata
    const call = new PublishedCall(this.#target, path, {
      get: (name) => metadata.get(name)[0]?.toString(),
      set: (name, value) => metadata.set(name, value),
    })
    published.set(pickInformation, call)
    return { ...config, dynamicFilterFactories: [{ createFilter: () => new EndFilter(call) }] }
  }

  unref(): void {
    // holds nothing
  }

  /**
   * The config that names the method, else its service, else everything:
   * https://github.com/grpc/grpc-proto/blob/master/grpc/service_config/service_config.proto
   */
  #configOf(path: string): MethodConfig {
    const known = this.#known.get(path)
    if (known !== undefined) return known
    const [service = '', method = ''] = path.split('/').filter((part) => part !== '')
    const naming = (matches: (name: MethodConfig['name'][number]) => boolean) =>
      this.#methods.find(({ name }) => name.some(matches))
    const config = naming((name) => name.service === service && name.method === method) ??
      naming((name) => name.service === service && !name.method) ??
      naming((name) => !name.service && !name.method) ?? { name: [] }
    if (this.#known.size < maxKnownMethods) this.#known.set(path, config)
    return config
  }
}
