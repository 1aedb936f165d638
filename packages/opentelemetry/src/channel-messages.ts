// What other packages publish, by the names of their channels: importing the packages would install
// undici for a process that only registers. A test holds the shapes against those of the packages.

/** The channel of `@sd/undici`. */
export const requestChannelName = 'sd:request'
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

/** The headers of a request before its first try; names are in lower case. */
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
      readonly event: 'finished'
      readonly status: number
      readonly durationMs: number
      /** Why the gateway answered by itself. */
      readonly reason: string | undefined
    })
  | (Exchange & { readonly event: 'upgraded' })
