import type { RetryBudget } from '@sd/balancer'
import type { Dispatcher } from 'undici'
import { isIdempotent } from './failure.ts'
import type { RequestBody } from './request-body.ts'
import type { ServiceSettings } from './service-settings.ts'

// Envoy's base interval for retries
const firstPauseMs = 25

/** Whether and when a call may be tried again. */
export class Repetition {
  /** Whether what was sent may be sent again at all: by its method or the caller's word. */
  readonly allowed: boolean
  readonly #settings: ServiceSettings
  readonly #budget: RetryBudget
  /** Tries of which something was sent, and that have failed or were passed over. */
  #sent = 0

  constructor(
    settings: ServiceSettings,
    budget: RetryBudget,
    request: Pick<Dispatcher.DispatchOptions, 'method' | 'idempotent' | 'upgrade'>,
  ) {
    this.#settings = settings
    this.#budget = budget
    this.allowed =
      (settings.attempts > 1 || settings.hedgeDelayMs > 0) &&
      (request.upgrade === undefined || request.upgrade === null || request.upgrade === false) &&
      isIdempotent(request)
  }

  /** After a try of which nothing was sent: any method may go elsewhere, at no cost to the budget. */
  mayFollowUnsent(unreachedSize: number): boolean {
    return unreachedSize < this.#settings.connectAttempts
  }

  /** After a try that was sent; takes a retry out of the budget. */
  mayFollowSent(body: RequestBody): boolean {
    this.#sent += 1
    return (
      this.allowed &&
      this.#sent < this.#settings.attempts &&
      body.replayable &&
      this.#budget.withdraw()
    )
  }

  /** Whether a response of this status may be passed over, if another instance can be had. */
  mayReplace(statusCode: number, body: RequestBody): boolean {
    return (
      this.#settings.statuses.has(statusCode) &&
      this.allowed &&
      this.#sent + 1 < this.#settings.attempts &&
      body.replayable
    )
  }

  /** A response was passed over. */
  replaced(): void {
    this.#sent += 1
  }

  /**
   * How long to wait after a try that was sent: up to 25 ms, twice as much each time, at random, as Envoy
   * does. Without a pause the next try may meet the next instance that died at the same moment,
   * before the news of its closed connections was read.
   */
  get pauseMs(): number {
    return 1 + Math.random() * (firstPauseMs - 1) * 2 ** (this.#sent - 1)
  }
}
