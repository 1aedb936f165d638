import { channel } from 'node:diagnostics_channel'

/** The name of the `node:diagnostics_channel` for the progress of gRPC calls. */
export const rpcChannelName = 'sd:rpc'

/** The metadata of a call before its first attempt. */
export interface RpcMetadata {
  /** The first value of a key, in lower case, as text. */
  get(name: string): string | undefined
  /** Adds a pair, or replaces it, for every attempt. For trace context, for example. */
  set(name: string, value: string): void
}

/** One message on the channel `sd:rpc`. */
export interface RpcEvent {
  /**
   * `start`: the call begins, and its metadata may still be set; `pick`: an instance was picked for
   * an attempt; `end`: the call has ended, which is the last message about it.
   */
  readonly event: 'start' | 'pick' | 'end'
  readonly backend: 'grpc'
  /** The service's name in the registry. */
  readonly service: string
  /** The method's full name, like `orders.v1.Orders/Get`. */
  readonly method: string
  /** The same object in all messages about one call, to tell calls apart. */
  readonly call: object
  /** With `start`: the name in `:authority`. */
  readonly authority?: string | undefined
  /** With `start`. */
  readonly metadata?: RpcMetadata | undefined
  /** With `pick`: the id of the instance. */
  readonly instance?: string | undefined
  /** With `pick`: where the instance is called, like `grpc://10.0.0.7:9090`. */
  readonly endpoint?: string | undefined
  /** The number of the last attempt, from 1; 0 before the first. */
  readonly attempt: number
  /** With `end`: the number of the status, 0 for OK. */
  readonly code?: number | undefined
  /** With `end`: the message of the status. */
  readonly details?: string | undefined
}

/** The channel. Check `hasSubscribers` before making a `PublishedCall`. */
export const rpcChannel: ReturnType<typeof channel> = channel(rpcChannelName)
