import type { RegistryError } from '../registry-error.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'
import { type BackoffOptions, denialDelayMs, retryDelayMs } from '../runtime/timing.ts'
import type { RegistrationEntry } from './registration-entry.ts'

/**
 * Schedules the retries of failed entries. Entries that failed together are retried together, so
 * that recovery happens in batches. A permanent failure is retried near the cap.
 */
export class RetrySchedule {
  readonly #clock: Clock
  readonly #random: Random
  readonly #bounds: BackoffOptions

  constructor(clock: Clock, random: Random, bounds: BackoffOptions) {
    this.#clock = clock
    this.#random = random
    this.#bounds = bounds
  }

  due(entries: Iterable<RegistrationEntry>): readonly RegistrationEntry[] {
    const now = this.#clock.monotonicMs()
    return [...entries].filter((entry) => entry.retryAtMs <= now)
  }

  postpone(entries: readonly RegistrationEntry[], cause?: RegistryError): void {
    const failures = Math.max(0, ...entries.map((entry) => entry.failures))
    const delayMs =
      cause?.retryable === false
        ? denialDelayMs(this.#bounds, this.#random)
        : retryDelayMs(this.#bounds, failures, this.#random)
    const retryAtMs = this.#clock.monotonicMs() + delayMs
    for (const entry of entries) {
      entry.failures += 1
      entry.retryAtMs = retryAtMs
    }
  }

  /** Makes all entries due, as the backend answers again and delays from its outage are obsolete. */
  static makeDue(entries: Iterable<RegistrationEntry>): void {
    for (const entry of entries) entry.retryAtMs = 0
  }

  /** The earliest time at which one of `entries` is due. */
  static nextDueMs(entries: Iterable<RegistrationEntry>): number {
    let dueMs = Number.POSITIVE_INFINITY
    for (const entry of entries) dueMs = Math.min(dueMs, entry.retryAtMs)
    return dueMs
  }
}
