import type { RegistryError } from '../registry-error.ts'
import type { OpenSession } from '../session/open-session.ts'
import type { SessionContext } from '../session/session-context.ts'
import { RecordAuditor } from './record-auditor.ts'
import { RecordRemover } from './record-remover.ts'
import { RecordWriter } from './record-writer.ts'
import type { RegistrationTable } from './registration-table.ts'
import { RetrySchedule } from './retry-schedule.ts'

/**
 * Makes the backend match the table: writes, removes and audits in rounds, so that this process
 * never has two writes to one id in flight.
 */
export class Reconciler {
  readonly #context: SessionContext
  readonly #table: RegistrationTable
  readonly #writer: RecordWriter
  readonly #remover: RecordRemover
  readonly #auditor: RecordAuditor

  constructor(context: SessionContext, table: RegistrationTable) {
    const { clock, random, backoff } = context
    const schedule = new RetrySchedule(clock, random, backoff)
    this.#context = context
    this.#table = table
    this.#writer = new RecordWriter(context, table, schedule)
    this.#remover = new RecordRemover(context, table, schedule)
    this.#auditor = new RecordAuditor(context, table)
  }

  /** When the next write or removal is due. */
  get nextDueMs(): number {
    return Math.min(
      RetrySchedule.nextDueMs(this.#table.toWrite),
      RetrySchedule.nextDueMs(this.#table.toRemove),
    )
  }

  /** Runs one round over all due entries. */
  async reconcile(session: OpenSession): Promise<void> {
    await Promise.all([this.#writer.writeDue(session), this.#remover.removeDue(session)])
  }

  /** Audits all written records; returns why the backend did not answer, if it did not. */
  audit(session: OpenSession): Promise<RegistryError | undefined> {
    return this.#auditor.audit(session)
  }

  /** Removes the records of a session that the backend refuses to close. */
  removeAll(session: OpenSession, signal: AbortSignal): Promise<void> {
    return this.#remover.removeAll(session.driverSession, signal)
  }

  /** Makes every waiting entry due, as the backend answers again. */
  makeDue(): void {
    RetrySchedule.makeDue(this.#table.toWrite)
    RetrySchedule.makeDue(this.#table.toRemove)
  }

  /** Whether a create of a removed record may still arrive; only closing the session prevents that. */
  needsFence(session: OpenSession): boolean {
    for (const entry of this.#table.fenced) if (entry.unknownIn.has(session.id)) return true
    return false
  }

  /**
   * Whether every write had a definite outcome in `session`, so that older sessions may be closed.
   * Ignores an entry that the backend has refused individually for a ttl.
   */
  isSettled(session: OpenSession): boolean {
    const now = this.#context.clock.monotonicMs()
    for (const { settledIn, failing } of this.#table.toWrite) {
      if (settledIn === session.id) continue
      const lasting =
        failing?.sessionId === session.id && now - failing.sinceMs >= session.grantedTtlMs
      if (!lasting) return false
    }
    return true
  }
}
