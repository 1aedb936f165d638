import type { OwnedRef } from '../driver/registry-driver.ts'
import type { RegistryError } from '../registry-error.ts'
import { Waiters } from '../runtime/waiters.ts'
import type { DesiredRegistration } from './desired-registration.ts'

/**
 * What is known of one id in the backend. An entry with a desired registration is to be written. One
 * without is a tombstone: its record is to be removed, and the entry is kept until no record of ours
 * can be stored or still arrive.
 */
export class RegistrationEntry {
  readonly service: string
  readonly id: string
  desired: DesiredRegistration | undefined
  /** Deregistered ones: they become `closed` when none of their records can be listed any more. */
  readonly leaving: Set<DesiredRegistration> = new Set()
  /** The session under which the record was last acknowledged, with the version acknowledged. */
  writtenIn: string | undefined
  writtenVersion = 0
  /** The session in which a write last had a definite outcome, success or failure. */
  settledIn: string | undefined
  /**
   * Since when the backend refuses the writes of this entry alone, and the session of the last
   * refusal.
   */
  failing: { readonly sessionId: string; readonly sinceMs: number } | undefined
  /** Sessions under which a create may still arrive: its outcome is unknown. */
  readonly unknownIn: Set<string> = new Set()
  /** Whether a write was ever attempted; otherwise there is nothing to remove. */
  attempted = false
  /** Whether a write was ever acknowledged: until its removal is too, a record may be stored. */
  stood = false
  /** The earliest time of the next attempt, on the monotonic clock. */
  retryAtMs = 0
  /** Consecutive failures, for the backoff. */
  failures = 0
  readonly #waiters = new Waiters<void>()

  constructor(service: string, id: string) {
    this.service = service
    this.id = id
  }

  ref(owner: string): OwnedRef {
    return { service: this.service, id: this.id, owner }
  }

  /** Whether the desired state still has to be written in that session. */
  needsPut(sessionId: string): boolean {
    return (
      this.desired !== undefined &&
      (this.writtenIn !== sessionId || this.writtenVersion !== this.desired.version)
    )
  }

  /** Makes the entry due at once, with a new backoff. */
  resetRetries(): void {
    this.retryAtMs = 0
    this.failures = 0
  }

  /** Resolves when no record of the deregistered registration can be listed any more. */
  gone(signal?: AbortSignal): Promise<void> {
    return this.#waiters.wait(undefined, signal)
  }

  settleRemoval(error?: RegistryError): void {
    const leaving = [...this.leaving]
    this.leaving.clear()
    for (const registration of leaving) registration.removed()
    if (error === undefined) this.#waiters.answerAll(undefined)
    else this.#waiters.failAll(error)
  }
}
