import type { Clock } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'
import type { RegistryError } from '../registry-error.ts'
import type { BackoffOptions } from '../runtime/backoff.ts'
import type { InstanceSlot } from './instance-slot.ts'

/**
 * When a slot that failed is tried again. Slots that failed together are tried together, so that
 * a recovering fleet comes back in batches; what is denied is tried at the cap.
 */
export class RetryPolicy {
  readonly #clock: Clock
  readonly #random: Random
  readonly #bounds: BackoffOptions

  constructor(clock: Clock, random: Random, bounds: BackoffOptions) {
    this.#clock = clock
    this.#random = random
    this.#bounds = bounds
  }

  due(slots: Iterable<InstanceSlot>): readonly InstanceSlot[] {
    const now = this.#clock.monotonicMs()
    return [...slots].filter((slot) => slot.retryAtMs <= now)
  }

  later(slots: readonly InstanceSlot[], cause: RegistryError): void {
    const { minMs, maxMs } = this.#bounds
    const failures = Math.max(0, ...slots.map((slot) => slot.failures))
    const bound = Math.min(maxMs, minMs * 2 ** Math.min(failures, 30))
    const delayMs = cause.retryable ? this.#random.next() * bound : maxMs
    const retryAtMs = this.#clock.monotonicMs() + delayMs
    for (const slot of slots) {
      slot.failures += 1
      slot.retryAtMs = retryAtMs
    }
  }

  /** The backend answers again: nothing has to wait out a delay that its silence earned. */
  static hurry(slots: Iterable<InstanceSlot>): void {
    for (const slot of slots) slot.retryAtMs = 0
  }

  /** The earliest time at which one of `slots` is due. */
  static nextDueMs(slots: Iterable<InstanceSlot>): number {
    let dueMs = Number.POSITIVE_INFINITY
    for (const slot of slots) dueMs = Math.min(dueMs, slot.retryAtMs)
    return dueMs
  }
}
