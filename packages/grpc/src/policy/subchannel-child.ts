import { type ChannelOptions, connectivityState, type experimental } from '@grpc/grpc-js'
import type { ServiceInstance } from '@sd/core'
import type { GrpcAddress } from '../resolver/grpc-address.ts'

/**
 * The state of the connection to an instance. After a failure it is `failed` until it is ready
 * again.
 */
export type ChildState = 'connecting' | 'ready' | 'failed'

/**
 * The connection to an instance, kept while the instance is there. It reconnects whenever grpc-js
 * lets it become idle; after a failure, with grpc-js's backoff.
 */
export class SubchannelChild {
  readonly address: GrpcAddress
  readonly subchannel: experimental.SubchannelInterface
  instance: ServiceInstance
  readonly #helper: experimental.ChannelControlHelper
  #onState: ((before: ChildState) => void) | undefined
  #state: ChildState = 'connecting'
  #error: string | undefined
  readonly #listener: experimental.ConnectivityStateListener = (_, __, state, ___, error) =>
    this.#follow(state, error)

  constructor(
    instance: ServiceInstance,
    address: GrpcAddress,
    channelOptions: ChannelOptions,
    helper: experimental.ChannelControlHelper,
  ) {
    this.instance = instance
    this.address = address
    this.#helper = helper
    const { host, port } = address
    this.subchannel = helper.createSubchannel({ host, port }, channelOptions)
  }

  get state(): ChildState {
    return this.#state
  }
  /** The error of the last attempt to connect. */
  get error(): string | undefined {
    return this.#error
  }

  /**
   * Starts to connect, or shares the connection of another channel to the service. Calls `onState`
   * for every change of the state, and for repeated failures.
   */
  connect(onState: (before: ChildState) => void): void {
    this.#onState = onState
    this.subchannel.ref()
    this.#helper.addChannelzChild(this.subchannel.getChannelzRef())
    this.subchannel.addConnectivityStateListener(this.#listener)
    const state = this.subchannel.getConnectivityState()
    if (state !== connectivityState.TRANSIENT_FAILURE) return this.#follow(state)
    // grpc-js remembers earlier failures at this address; a new instance deserves an immediate
    // attempt
    this.subchannel.startConnecting()
    this.subchannel.getRealSubchannel().resetBackoff()
  }

  /** Releases the connection. Calls in flight on it run to their end. */
  destroy(): void {
    this.subchannel.removeConnectivityStateListener(this.#listener)
    this.#helper.removeChannelzChild(this.subchannel.getChannelzRef())
    this.subchannel.unref()
  }

  #follow(state: connectivityState, error?: string): void {
    if (error !== undefined) this.#error = error
    const before = this.#state
    if (state === connectivityState.READY) this.#state = 'ready'
    else if (state === connectivityState.TRANSIENT_FAILURE) this.#state = 'failed'
    else if (before === 'ready') this.#state = 'connecting'
    // also after a failure: grpc-js waits for its backoff first
    if (state !== connectivityState.READY) this.subchannel.startConnecting()
    if (this.#state !== before || state === connectivityState.TRANSIENT_FAILURE)
      this.#onState?.(before)
  }
}
