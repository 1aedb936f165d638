import type { PickerOptions, RetryBudgetOptions } from '@sd/balancer'
import type { Discovery } from '@sd/core'
import type { Dispatcher, Pool } from 'undici'

/** When a request that failed is tried again. All optional. */
export interface RetryOptions {
  /**
   * How often a request is sent at most, including the first time, 1…10. Default 5, the maximum of
   * gRPC. Tries that sent nothing do not count.
   */
  readonly attempts?: number | undefined
  /**
   * How many instances a request may fail to reach (refused, unreachable, closed before anything
   * was sent), 1…100. Default 10.
   */
  readonly connectAttempts?: number | undefined
  /**
   * Response statuses, 300…599, after which a repeatable request goes to another instance. Without
   * another instance the response is delivered. Default none.
   */
  readonly statuses?: readonly number[] | undefined
  /**
   * Limits retries after something was sent, and hedges. Default: 20 % of the requests and 10 per
   * second. One budget for each service.
   */
  readonly budget?: Omit<RetryBudgetOptions, 'clock'> | undefined
}

/** Timeouts in milliseconds; 0 means no limit. All optional. */
export interface TimeoutOptions {
  /** To connect, including TLS. Default 2,000. */
  readonly connectMs?: number | undefined
  /** For the response's headers, in one try. After it another instance may be tried. Default 0. */
  readonly tryMs?: number | undefined
  /** For the response's headers, over all tries and the wait for the registry. Default 0. */
  readonly callMs?: number | undefined
  /** For the registry's first report about a service. Default 5,000. */
  readonly discoveryMs?: number | undefined
}

/**
 * Sends a slow request again to another instance. The first response wins; the other try is
 * aborted.
 */
export interface HedgeOptions {
  /** How long to wait for the first response, in milliseconds, at least 1. */
  readonly delayMs: number
}

/** The parts of a request that options may depend on. */
export interface CallRequest {
  readonly service: string
  readonly method: string
  readonly path: string
  readonly headers: Dispatcher.DispatchOptions['headers']
}

/** Options that may differ by service. All optional. */
export interface ServiceOptions {
  /** How an instance is picked: strategy, filters, zone, outlier ejection. */
  readonly balancer?: PickerOptions | undefined
  /** `false`: never repeats a request. Default: up to 5 attempts. */
  readonly retry?: RetryOptions | false | undefined
  /**
   * How many bytes of a streamed body are kept for repeating an idempotent request, 0…2^30. Default
   * 65,536. Strings, buffers, blobs and forms need no copy.
   */
  readonly replayBytes?: number | undefined
  readonly timeouts?: TimeoutOptions | undefined
  /** For idempotent requests only, within the retry budget. Default `false`. */
  readonly hedge?: HedgeOptions | false | undefined
  /**
   * undici's options for the pool of each instance: `connections`, `allowH2`, `connect` with TLS …
   */
  readonly pool?: Omit<Pool.Options, 'connectTimeout' | 'socketPath' | 'factory'> | undefined
  /**
   * The name for SNI and for checking an instance's certificate: `url` (default): the URL's host,
   * e.g. `orders.sd`; `endpoint`: the host of the picked endpoint; or a fixed name.
   */
  readonly tlsName?: 'url' | 'endpoint' | (string & {}) | undefined
  /**
   * The key for strategies with affinity: the name of a header, or a function that returns the key.
   */
  readonly key?: string | ((request: CallRequest) => string | undefined) | undefined
}

/** The options of `ServiceDispatcher`. */
export interface ServiceDispatcherOptions extends ServiceOptions {
  /** Where instances are found: a `Registry`. Closing the dispatcher does not close it. */
  readonly discovery: Discovery
  /** The suffix of a service's host in URLs. Default `.sd`: `http://orders.sd/`. */
  readonly suffix?: string | undefined
  /** Services by host, for names that are not host names: `{ 'billing.sd': 'Billing EU' }`. */
  readonly services?: Readonly<Record<string, string>> | undefined
  /** Options for individual services, by the service's name. */
  readonly overrides?: Readonly<Record<string, ServiceOptions>> | undefined
  /**
   * Where requests to other hosts go: a dispatcher of undici 7 or 8. Default: the global dispatcher
   * at construction. `null`: they fail. Closing this dispatcher does not close it.
   */
  readonly fallback?: Dispatcher | null | undefined
  /** The idle time after which a service's watch and pools are released. Default 300,000 ms. */
  readonly idleMs?: number | undefined
}
