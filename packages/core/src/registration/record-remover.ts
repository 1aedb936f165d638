import { callSubject } from '../driver/call-context.ts'
import type { DriverSession, RemoveOutcome } from '../driver/registry-driver.ts'
import { RegistryError } from '../registry-error.ts'
import { type CallSubject, withDeadline } from '../runtime/abort.ts'
import { inBatches } from '../runtime/batches.ts'
import type { OpenSession } from '../session/open-session.ts'
import type {
  RegistrationContext,
  RegistrationEntry,
  RegistrationTable,
} from './registration-table.ts'

const parallelBatches = 8

/** Removes the records of tombstones, and repeats each removal until it is acknowledged. */
export class RecordRemover {
  readonly #context: RegistrationContext
  readonly #table: RegistrationTable

  constructor(context: RegistrationContext, table: RegistrationTable) {
    this.#context = context
    this.#table = table
  }

  /** Runs one round over the due tombstones. */
  async removeDue(session: OpenSession): Promise<void> {
    const due = this.#table.due(this.#table.toRemove)
    await this.#remove(session.driverSession, due, session.signal, (entries, cause) => {
      this.#table.postpone(entries, cause)
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
    const { driver } = this.#context
    await inBatches(entries, {
      size: driver.capabilities.maxBatch,
      parallel: parallelBatches,
      signal,
      subjectOf: ([entry]) => callSubject(this.#context, 'remove', entry?.service),
      work: (batch, subject) => this.#removeBatch(session, batch, subject, signal),
      failed,
    })
  }

  async #removeBatch(
    session: DriverSession,
    entries: readonly RegistrationEntry[],
    subject: CallSubject,
    outer: AbortSignal,
  ): Promise<void> {
    const { owner, clock, callTimeoutMs } = this.#context
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
        message:
          'the driver returned fewer outcomes than requests, which is a defect of the driver',
      })
    this.#table.postpone([entry], cause)
  }
}
