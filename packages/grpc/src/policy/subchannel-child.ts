import { type ChannelOptions, connectivityState, type experimental } from '@grpc/grpc-js'
import type { ServiceInstance } from '@sd/core'
import type { GrpcAddress } from '../resolver/grpc-address.ts'

/** Where the connection to an instance stands. A failed one stays failed until it is ready again. */
export type ChildState = 'connecting' | 'ready' | 'failed'

/**
 * The one connection to an instance, kept for as long as the instance is there. It always wants to be
 * connected: what grpc-js lets go idle is connected again, after a failure with grpc-js's backoff.
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
  /** What the last attempt to connect failed with. */
  get error(): string | undefined {
    return this.#error
  }

  /**
   * Begins to connect, or takes over the connection that another channel to the service has. `onState` is
   * told of every change of the state, and of repeated failures.
   */
  connect(onState: (before: ChildState) => void): void {
    this.#onState = onState
    this.subchannel.ref()
    this.#helper.addChannelzChild(this.subchannel.getChannelzRef())
    this.subchannel.addConnectivityStateListener(this.#listener)
    const state = this.subchannel.getConnectivityState()
    if (state !== connectivityState.TRANSIENT_FAILURE) return this.#follow(state)
    // grpc-js keeps what failed at this address before; who has just appeared is worth an attempt now
    this.subchannel.startConnecting()
    this.subchannel.getRealSubchannel().resetBackoff()
  }

  /** Lets the connection go: calls in flight on it end by themselves. */
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
    // after a failure too: grpc-js waits for its backoff first
    if (state !== connectivityState.READY) this.subchannel.startConnecting()
    if (this.#state !== before || state === connectivityState.TRANSIENT_FAILURE)
      this.#onState?.(before)
  }
}
