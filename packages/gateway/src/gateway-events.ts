import { channel } from 'node:diagnostics_channel'
import type { RefusalReason } from './problem.ts'

/** The name of the `node:diagnostics_channel` that gateways publish `GatewayEvent` messages on. */
export const gatewayChannelName = 'sd:gateway'

/** What a request is to the gateway. */
export type ExchangeKind = 'http' | 'grpc' | 'upgrade'

/** The fields that all messages about a request share. */
interface ExchangeFacts {
  readonly backend: 'gateway'
  /**
   * The same object in every message about one request: the key for what a subscriber keeps about
   * it.
   */
  readonly exchange: object
  readonly kind: ExchangeKind
  /** The route's name, e.g. `/orders` or `api.example.com/orders`; `undefined`: no route matched. */
  readonly route: string | undefined
  /** The service that the route leads to. */
  readonly service: string | undefined
  readonly method: string
  /** The path without the query, which may be confidential. */
  readonly path: string
  /** `1.0`, `1.1` or `2`. */
  readonly protocol: string
}

/** A request is about to be forwarded. Requests that the gateway refuses have no such message. */
export interface ExchangeStarted extends ExchangeFacts {
  readonly event: 'started'
  /**
   * The headers for the instance, as a flat list of names and values. A subscriber may change the
   * list, for example to set `traceparent`.
   */
  readonly headers: string[]
}

/**
 * An instance was picked for a try of a gRPC call. Those of other requests are on `sd:request`, by
 * `@sd/undici`.
 */
export interface InstancePicked extends ExchangeFacts {
  readonly event: 'picked'
  /** Id of the instance. */
  readonly instance: string
  readonly endpoint: string
}

/** A request has ended, whether it was forwarded or refused: one message for each request. */
export interface ExchangeFinished extends ExchangeFacts {
  readonly event: 'finished'
  /** The status that the client got. 499: the client left before it got one. */
  readonly status: number
  /** From the request's head to the last byte of the response, or to the client's leaving. */
  readonly durationMs: number
  /** Bytes of the request's body that were read, and of the response's body that were sent. */
  readonly requestBytes: number
  readonly responseBytes: number
  /** Why the gateway answered by itself; `undefined`: the response is the instance's. */
  readonly reason: RefusalReason | undefined
  /** The error behind `reason`. Unlike the response it may name addresses. */
  readonly cause: unknown
  /** The response's `grpc-status`, for `kind` `grpc`. */
  readonly grpcStatus?: number | undefined
}

/** A connection was upgraded. `finished` follows when it has closed. */
export interface ConnectionUpgraded extends ExchangeFacts {
  readonly event: 'upgraded'
  /** The protocol in lower case, e.g. `websocket`. */
  readonly upgrade: string
}

/** The routes were replaced, or the new ones were refused. */
export interface RoutesReloaded {
  readonly backend: 'gateway'
  readonly event: 'reloaded'
  /** The number of routes in use from now on. */
  readonly routes: number
  /** Why the new routes were refused; `undefined`: they are in use. */
  readonly cause: unknown
}

/** The gateway begins to drain: it finishes what is under way, and accepts nothing new. */
export interface DrainBegan {
  readonly backend: 'gateway'
  readonly event: 'draining'
  /** Requests under way, and upgraded connections that are open. */
  readonly requests: number
  readonly upgraded: number
}

/** One message on the channel `sd:gateway`. */
export type GatewayEvent =
  | ExchangeStarted
  | InstancePicked
  | ExchangeFinished
  | ConnectionUpgraded
  | RoutesReloaded
  | DrainBegan

/** The channel. Check `hasSubscribers` before making a message. */
export const gatewayChannel: ReturnType<typeof channel> = channel(gatewayChannelName)

/** Publishes a message if the channel has subscribers. */
export const publish = (message: GatewayEvent): void => gatewayChannel.publish(message)
