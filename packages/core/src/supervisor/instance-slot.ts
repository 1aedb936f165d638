import type { OwnedRef } from '../driver/registry-driver.ts'
import type { RegistryError } from '../registry-error.ts'
import type { DesiredRegistration } from './desired-registration.ts'

interface RemovalWaiter {
  readonly resolve: () => void
  readonly reject: (error: RegistryError) => void
}

/**
 * All that is known of one id in the backend. With a desired registration the slot is to be
 * written; without one it is a tombstone: to be removed, and remembered until nothing of ours can
 * stand or still arrive.
 */
export class InstanceSlot {
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
  #waiters: RemovalWaiter[] = []

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

  /** Resolves when nothing of the registration that was taken back can be listed any more. */
  gone(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject })
    })
  }

  settleRemoval(error?: RegistryError): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const waiter of waiters) {
      if (error === undefined) waiter.resolve()
      else waiter.reject(error)
    }
    for (const registration of this.leaving) registration.removed()
    this.leaving.clear()
  }
}
