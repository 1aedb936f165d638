import type { RetryBudget } from '@sd/balancer'
import type { Dispatcher } from 'undici'
import { isIdempotent } from './failure.ts'
import type { RequestBody } from './request-body.ts'
import type { ServiceSettings } from './service-settings.ts'

// Envoy's base interval for retries
const firstPauseMs = 25

/** Whether and when a call may be tried again. */
export class Repetition {
  /** Whether a request that was sent may be repeated, by its method or as the caller says. */
  readonly allowed: boolean
  readonly #settings: ServiceSettings
  readonly #budget: RetryBudget
  /** Tries that were sent and have failed or were replaced. */
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

  /** For a try that sent nothing: any method may be repeated elsewhere, outside the budget. */
  mayFollowUnsent(unreachedSize: number): boolean {
    return unreachedSize < this.#settings.connectAttempts
  }

  /** For a try that was sent: takes a retry out of the budget. */
  mayFollowSent(body: RequestBody): boolean {
    this.#sent += 1
    return (
      this.allowed &&
      this.#sent < this.#settings.attempts &&
      body.replayable &&
      this.#budget.withdraw()
    )
  }

  /** Whether a response of this status may be replaced, if there is another instance. */
  mayReplace(statusCode: number, body: RequestBody): boolean {
    return (
      this.#settings.statuses.has(statusCode) &&
      this.allowed &&
      this.#sent + 1 < this.#settings.attempts &&
      body.replayable
    )
  }

  /** Records that a response was replaced. */
  replaced(): void {
    this.#sent += 1
  }

  /**
   * How long to wait after a try that was sent: a random time up to 25 ms, doubled each time, as in
   * Envoy. Without a pause the next try may go to another instance that died at the same moment,
   * before its closed connections are noticed.
   */
  get pauseMs(): number {
    return 1 + Math.random() * (firstPauseMs - 1) * 2 ** (this.#sent - 1)
  }
}
