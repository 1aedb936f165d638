// What other packages publish, by the names of their channels: importing the packages would install
// undici and grpc-js for a process that only registers. Tests hold the shapes against those of the
// packages: that of `@sd/gateway` there, as it imports this package.

/** The channel of `@sd/undici`. */
export const requestChannelName = 'sd:request'
/** The channel of `@sd/grpc`. */
export const rpcChannelName = 'sd:rpc'
/** The channels of `@sd/balancer`. */
export const balancerChannelName = 'sd:balancer'
export const pickChannelName = 'sd:pick'
/** The channel of `@sd/gateway`. */
export const gatewayChannelName = 'sd:gateway'

/** A message on `sd:request`. */
export interface RequestMessage {
  readonly event: 'start' | 'pick' | 'retry' | 'hedge' | 'response' | 'end' | 'upgrade' | 'error'
  readonly service: string
  readonly method: string
  readonly path: string
  readonly call: object
  readonly origin?: string | undefined
  readonly headers?: RequestHeaders | undefined
  readonly instance?: string | undefined
  readonly endpoint?: string | undefined
  readonly status?: number | undefined
  readonly sent?: boolean | undefined
  readonly cause?: unknown
}

/** A message on `sd:rpc`. */
export interface RpcMessage {
  readonly event: 'start' | 'pick' | 'end'
  readonly service: string
  readonly method: string
  readonly call: object
  readonly authority?: string | undefined
  readonly metadata?: RequestHeaders | undefined
  readonly instance?: string | undefined
  readonly endpoint?: string | undefined
  readonly attempt: number
  readonly code?: number | undefined
  readonly details?: string | undefined
}

/** The headers of a request, or the metadata of a call, before its first try; names are in lower case. */
export interface RequestHeaders {
  get(name: string): string | undefined
  set(name: string, value: string): void
}

/** A message on `sd:balancer`. Other events have other fields. */
export interface BalancerMessage {
  readonly event: string
  readonly service: string | undefined
  readonly reason?: string
}

/** A message on `sd:pick`. */
export interface PickMessage {
  readonly service: string | undefined
}

interface Exchange {
  /** The same object in all messages of one request. */
  readonly exchange: object
  readonly kind: 'http' | 'grpc' | 'upgrade'
  readonly route: string | undefined
  readonly service: string | undefined
  readonly method: string
  readonly path: string
  readonly protocol: string
}

/** A message on `sd:gateway`. There are others, about no request. */
export type GatewayMessage =
  | (Exchange & {
      readonly event: 'started'
      /** A flat list of names and values, which a subscriber may change. */
      readonly headers: string[]
    })
  | (Exchange & {
      readonly event: 'picked'
      readonly instance: string
      readonly endpoint: string
    })
  | (Exchange & {
      readonly event: 'finished'
      readonly status: number
      readonly durationMs: number
      /** Why the gateway answered by itself. */
      readonly reason: string | undefined
      readonly grpcStatus?: number | undefined
    })
  | (Exchange & { readonly event: 'upgraded' })
