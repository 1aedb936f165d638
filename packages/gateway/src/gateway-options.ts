import type { Discovery } from '@sd/core'
import type { AccessLogOptions } from './access-log.ts'
import type { FrontTls } from './front.ts'
import type { GatewayMetrics } from './prometheus-metrics.ts'
import type { RouteOptions } from './route-options.ts'

/** Timeouts towards clients in milliseconds. All optional. */
export interface ClientTimeouts {
  /** For a request's head. Default 60,000. */
  readonly headersMs?: number | undefined
  /** For a whole request with its body; 0: no limit. Default 300,000. */
  readonly requestMs?: number | undefined
  /**
   * How long an idle connection is kept; longer than the load balancer in front keeps it. Default
   * 72,000.
   */
  readonly keepAliveMs?: number | undefined
}

/** How a gateway stops. All optional. */
export interface StopOptions {
  /**
   * How long `/readyz` says 503 while requests are served, so that a load balancer stops sending.
   * Default 0.
   */
  readonly announceMs?: number | undefined
  /** How long requests under way may take before they are cut off. Default 10,000. */
  readonly drainMs?: number | undefined
}

/** The options of a `Gateway`. */
export interface GatewayOptions {
  /** Where instances are found: a `Registry`. Closing the gateway does not close it. */
  readonly discovery: Discovery
  readonly routes: readonly RouteOptions[]
  /**
   * How many proxies in front of the gateway are trusted to report where a request came from. With
   * 0, what requests say about that in `X-Forwarded-*` and `Forwarded` is replaced. Default 0.
   */
  readonly trustedHops?: number | undefined
  readonly timeouts?: ClientTimeouts | undefined
  /** TLS towards clients, with HTTP/2 by ALPN. Default: plain HTTP/1.1 and HTTP/2. */
  readonly tls?: FrontTls | undefined
  /** Default: no access log. */
  readonly accessLog?: AccessLogOptions | undefined
  /** Figures for `/metrics`: `prometheusMetrics(registry)`. Default: no such path. */
  readonly metrics?: GatewayMetrics | undefined
  /**
   * Whether `/healthz`, `/readyz` and `/metrics` are answered on a port of their own, that of
   * `listenAdmin`, and not beside the routes. Default false.
   */
  readonly adminApart?: boolean | undefined
}

/** Where a gateway listens. */
export interface ListenOptions {
  /** Default: any free port. */
  readonly port?: number | undefined
  /** The address to bind. Default: all interfaces. */
  readonly host?: string | undefined
}
