import type { OwnedRef } from '../driver/registry-driver.ts'
import type { RegistryError } from '../registry-error.ts'
import { Waiters } from '../runtime/waiters.ts'
import type { DesiredRegistration } from './desired-registration.ts'

/**
 * All that is known of one id in the backend. With a desired registration the entry is to be
 * written; without one it is a tombstone: to be removed, and remembered until nothing of ours can
 * stand or still arrive.
 */
export class RegistrationEntry {
  readonly service: string
  readonly id: string
  desired: DesiredRegistration | undefined
  /** Those that were taken back: they turn `closed` when nothing of them can be listed any more. */
  readonly leaving: Set<DesiredRegistration> = new Set()
  /** The session under which the record was last acknowledged, with the version acknowledged. */
  writtenIn: string | undefined
  writtenVersion = 0
  /** The session in which a write last had a definite outcome, good or bad. */
  settledIn: string | undefined
  /**
   * Since when the backend answers our writes with an error of this entry alone, and the session in
   * which it did so last.
   */
  failing: { readonly sessionId: string; readonly sinceMs: number } | undefined
  /** Sessions under which a create may still arrive: its outcome is unknown. */
  readonly unknownIn: Set<string> = new Set()
  /** Whether any write was ever attempted; without one there is nothing to remove. */
  attempted = false
  /** Whether a write was ever acknowledged: until a removal is too, a record of ours may stand. */
  stood = false
  /** Not to be tried again before this time of the monotonic clock. */
  retryAtMs = 0
  /** Failures in a row, for the backoff. */
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

  /** What is desired may be tried at once, with a new backoff. */
  resetRetries(): void {
    this.retryAtMs = 0
    this.failures = 0
  }

  /** Resolves when nothing of the registration that was taken back can be listed any more. */
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
