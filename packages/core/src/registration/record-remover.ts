import type { DriverSession, RemoveOutcome } from '../driver/registry-driver.ts'
import { RegistryError } from '../registry-error.ts'
import { withDeadline } from '../runtime/abort.ts'
import { inBatches } from '../runtime/batches.ts'
import type { OpenSession } from '../session/open-session.ts'
import type { SessionContext } from '../session/session-context.ts'
import { inHalves } from './in-halves.ts'
import type { RegistrationEntry } from './registration-entry.ts'
import type { RegistrationTable } from './registration-table.ts'
import type { RetrySchedule } from './retry-schedule.ts'

const parallelBatches = 8

/** Removes what tombstones stand for, and repeats it until each removal is acknowledged. */
export class RecordRemover {
  readonly #context: SessionContext
  readonly #table: RegistrationTable
  readonly #schedule: RetrySchedule

  constructor(context: SessionContext, table: RegistrationTable, schedule: RetrySchedule) {
    this.#context = context
    this.#table = table
    this.#schedule = schedule
  }

  /** One round over the tombstones that are due. */
  async removeDue(session: OpenSession): Promise<void> {
    const due = this.#schedule.due(this.#table.toRemove)
    await this.#remove(session.driverSession, due, session.signal, (entries, cause) => {
      this.#schedule.postpone(entries, cause)
      if (cause.code === 'session-lost') session.lose(cause)
    })
  }

  /**
   * Takes out every record that may stand, one by one where a batch is refused: for a registry that
   * closes and may not end its session.
   */
  async removeAll(session: DriverSession, signal: AbortSignal): Promise<void> {
    for (const entry of [...this.#table.all()])
      if (entry.desired !== undefined) this.#table.takeBack(entry)
    // what is fenced stays unacknowledged: a create that still arrives ends with its session's ttl
    await this.#remove(session, [...this.#table.all()], signal, () => {})
  }

  async #remove(
    session: DriverSession,
    entries: readonly RegistrationEntry[],
    signal: AbortSignal,
    failed: (entries: readonly RegistrationEntry[], cause: RegistryError) => void,
  ): Promise<void> {
    const { backend, driver } = this.#context
    const limits = { size: driver.capabilities.maxBatch, parallel: parallelBatches }
    await inBatches(entries, limits, (batch) =>
      inHalves(batch, {
        subject: { backend, operation: 'remove', service: batch[0]?.service },
        work: (part) => this.#removeBatch(session, part, signal),
        failed,
        signal,
      }),
    )
  }

  async #removeBatch(
    session: DriverSession,
    entries: readonly RegistrationEntry[],
    outer: AbortSignal,
  ): Promise<void> {
    const { backend, owner, clock, callTimeoutMs } = this.#context
    const subject = { backend, operation: 'remove', service: entries[0]?.service }
    const refs = entries.map((entry) => entry.ref(owner))
    const outcomes = await withDeadline(clock, callTimeoutMs, outer, subject, (signal) =>
      session.remove(refs, signal),
    )
    entries.forEach((entry, index) => this.#conclude(entry, outcomes[index]))
  }

  #conclude(entry: RegistrationEntry, outcome: RemoveOutcome | undefined): void {
    // registered again meanwhile: the new record is what counts
    if (entry.desired !== undefined) return
    if (outcome !== undefined && outcome.result !== 'error') {
      this.#table.removed(entry)
      return
    }
    const cause =
      outcome?.error ??
      new RegistryError('internal', {
        backend: this.#context.backend,
        operation: 'remove',
        message: 'the driver answered with fewer outcomes than requests',
      })
    this.#schedule.postpone([entry], cause)
  }
}
