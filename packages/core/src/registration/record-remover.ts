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

/** Removes the records of tombstones, and repeats each removal until it is acknowledged. */
export class RecordRemover {
  readonly #context: SessionContext
  readonly #table: RegistrationTable
  readonly #schedule: RetrySchedule

  constructor(context: SessionContext, table: RegistrationTable, schedule: RetrySchedule) {
    this.#context = context
    this.#table = table
    this.#schedule = schedule
  }

  /** Runs one round over the due tombstones. */
  async removeDue(session: OpenSession): Promise<void> {
    const due = this.#schedule.due(this.#table.toRemove)
    await this.#remove(session.driverSession, due, session.signal, (entries, cause) => {
      this.#schedule.postpone(entries, cause)
      if (cause.code === 'session-lost') session.lose(cause)
    })
  }

  /**
   * Removes every record that may be stored, one by one where a batch is refused: for a registry
   * that closes and may not end its session.
   */
  async removeAll(session: DriverSession, signal: AbortSignal): Promise<void> {
    for (const entry of [...this.#table.all()])
      if (entry.desired !== undefined) this.#table.takeBack(entry)
    // fenced entries stay unacknowledged: a late create expires with the ttl of its session
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
    // registered again meanwhile: only the new record matters
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
