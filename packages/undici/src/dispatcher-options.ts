import type { PickerOptions, RetryBudgetOptions } from '@sd/balancer'
import type { Discovery } from '@sd/core'
import type { Dispatcher, Pool } from 'undici'

/** When a request that failed is tried again. All optional. */
export interface RetryOptions {
  /**
   * How often a request is sent at most, 1…10, the first time included. Default 5, which is the most that
   * gRPC allows. Tries of which nothing was sent don't count.
   */
  readonly attempts?: number | undefined
  /**
   * How many instances a request may fail to reach (refused, unreachable, closed before anything was
   * sent), 1…100. Default 10.
   */
  readonly connectAttempts?: number | undefined
  /**
   * Statuses of responses, 300…599, after which a request that may be repeated goes to another
   * instance; with no other instance the response is delivered. Default none.
   */
  readonly statuses?: readonly number[] | undefined
  /**
   * Bounds retries and hedges of what was sent: 20 % of the requests and 10 per second by default.
   * One budget for each service.
   */
  readonly budget?: Omit<RetryBudgetOptions, 'clock'> | undefined
}

/** How long is waited for what. In milliseconds; 0 waits without end. All optional. */
export interface TimeoutOptions {
  /** For a connection, TLS included. Default 2,000. */
  readonly connectMs?: number | undefined
  /** For the response's headers, by one try. Past it another instance may be tried. Default 0. */
  readonly tryMs?: number | undefined
  /** For the response's headers, by all tries together, the wait for the registry included. Default 0. */
  readonly callMs?: number | undefined
  /** For the first word of the registry about a service. Default 5,000. */
  readonly discoveryMs?: number | undefined
}

/** Sends a slow request a second time, elsewhere; the first response wins, the other is given up. */
export interface HedgeOptions {
  /** How long the first response is waited for, 1 or more, in milliseconds. */
  readonly delayMs: number
}

/** What a request is, for options that depend on it. */
export interface CallRequest {
  readonly service: string
  readonly method: string
  readonly path: string
  readonly headers: Dispatcher.DispatchOptions['headers']
}

/** What may differ from service to service. All optional. */
export interface ServiceOptions {
  /** How an instance is picked: strategy, filters, zone, outlier ejection. */
  readonly balancer?: PickerOptions | undefined
  /** `false`: every failure is the caller's. Default: up to 5 attempts. */
  readonly retry?: RetryOptions | false | undefined
  /**
   * How much of a streamed body is kept, so that an idempotent request can be repeated, 0…2^30.
   * Default 65,536. Strings, buffers, blobs and forms need nothing kept.
   */
  readonly replayBytes?: number | undefined
  readonly timeouts?: TimeoutOptions | undefined
  /** For idempotent requests only, within the budget of retries. Default `false`. */
  readonly hedge?: HedgeOptions | false | undefined
  /** undici's options of the pool of each instance: `connections`, `allowH2`, `connect` with TLS … */
  readonly pool?: Omit<Pool.Options, 'connectTimeout' | 'socketPath' | 'factory'> | undefined
  /**
   * The name that an instance's certificate must be for, and that is asked for by SNI: `url` (default):
   * the URL's host, e.g. `orders.sd`; `endpoint`: the host of the picked endpoint; or a fixed name.
   */
  readonly tlsName?: 'url' | 'endpoint' | (string & {}) | undefined
  /** What strategies that keep a key on one instance use: a header's value, by name, or a function's. */
  readonly key?: string | ((request: CallRequest) => string | undefined) | undefined
}

/** What `ServiceDispatcher` takes. */
export interface ServiceDispatcherOptions extends ServiceOptions {
  /** Where instances are found: a `Registry`. It stays open when the dispatcher closes. */
  readonly discovery: Discovery
  /** What the host of a service's URL ends in. Default `.sd`: `http://orders.sd/`. */
  readonly suffix?: string | undefined
  /** Services by host, for names that are no host names: `{ 'billing.sd': 'Billing EU' }`. */
  readonly services?: Readonly<Record<string, string>> | undefined
  /** What is different for some services, by the service's name. */
  readonly overrides?: Readonly<Record<string, ServiceOptions>> | undefined
  /**
   * Where requests to other hosts go: a dispatcher of undici 7 or 8. Default: the global dispatcher at
   * the time of construction. `null`: they fail. It is not closed with this dispatcher.
   */
  readonly fallback?: Dispatcher | null | undefined
  /** After how long without a request a service's watch and pools are released. Default 300,000 ms. */
  readonly idleMs?: number | undefined
}
