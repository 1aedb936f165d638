import type { PickerOptions } from '@sd/balancer'
import type { TlsConfig } from '@sd/core/driver'
import type { RetryOptions } from '@sd/undici'

/** Timeouts of a route in milliseconds; 0 means no limit. All optional. */
export interface RouteTimeouts {
  /** For the registry's first report about the service. Default 5,000. */
  readonly discoveryMs?: number | undefined
  /** To connect to an instance, including TLS. Default 2,000. */
  readonly connectMs?: number | undefined
  /**
   * For the response's headers, from the moment an instance has the request. A long upload does not
   * count while it makes progress. Default 60,000.
   */
  readonly responseMs?: number | undefined
  /** Between two parts of the response's body. Default 300,000. */
  readonly bodyMs?: number | undefined
  /** For the response's headers, over all tries and including the upload. Default 0. */
  readonly callMs?: number | undefined
}

/** TLS with the instances of a route. Their certificates are always verified. */
export interface RouteTls extends TlsConfig {
  /**
   * The name for SNI and for checking an instance's certificate: `service` (default), which is
   * `<service>.sd`; `endpoint`: the host of the instance's endpoint; or a fixed name.
   */
  readonly name?: 'service' | 'endpoint' | (string & {}) | undefined
}

/** A route: which requests go to which service, and how. */
export interface RouteOptions {
  /** The name of the service in the registry. */
  readonly service: string
  /** Only requests with this Host, without a port. Default: any. */
  readonly host?: string | undefined
  /**
   * Only requests whose path is this or below it: `/orders` matches `/orders` and `/orders/1`, not
   * `/orders2`. The longest prefix wins, among the routes of the host before the others. Default
   * `/`.
   */
  readonly prefix?: string | undefined
  /** Whether instances get the path without the prefix. Default false. */
  readonly stripPrefix?: boolean | undefined
  /** The scheme of the endpoints that requests go to. Default `http`, or `https` with `tls`. */
  readonly scheme?: 'http' | 'https' | undefined
  readonly tls?: RouteTls | undefined
  /** How an instance is picked: strategy, filter, zone, outlier ejection. */
  readonly balancer?: PickerOptions | undefined
  /** The header with the key for strategies with affinity. */
  readonly keyHeader?: string | undefined
  /** When a failed request is tried again. `false`: never. Default: up to 5 attempts. */
  readonly retry?: RetryOptions | false | undefined
  readonly timeouts?: RouteTimeouts | undefined
  /** The largest body of a request; a larger one is refused with 413. Default: no limit. */
  readonly maxBodyBytes?: number | undefined
  /**
   * How many requests may be under way; others are refused with 503. Upgraded connections count.
   * Default: no limit.
   */
  readonly maxRequests?: number | undefined
}
