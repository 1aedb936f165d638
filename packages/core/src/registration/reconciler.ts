import type { RegistryError } from '../registry-error.ts'
import type { OpenSession } from '../session/open-session.ts'
import type { SessionContext } from '../session/session-context.ts'
import { RecordAuditor } from './record-auditor.ts'
import { RecordRemover } from './record-remover.ts'
import { RecordWriter } from './record-writer.ts'
import type { RegistrationTable } from './registration-table.ts'
import { RetrySchedule } from './retry-schedule.ts'

/**
 * Makes the backend agree with the table: writes, removes and audits in rounds, so that no two
 * writes of ours to one id are ever on their way together.
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

  /** When something is due to be written or removed. */
  get nextDueMs(): number {
    return Math.min(
      RetrySchedule.nextDueMs(this.#table.toWrite),
      RetrySchedule.nextDueMs(this.#table.toRemove),
    )
  }

  /** One round over what is due. */
  async reconcile(session: OpenSession): Promise<void> {
    await Promise.all([this.#writer.writeDue(session), this.#remover.removeDue(session)])
  }

  /** Returns why the backend could not be asked, if it could not. */
  audit(session: OpenSession): Promise<RegistryError | undefined> {
    return this.#auditor.audit(session)
  }

  /** Takes out what a session that may not be closed has written. */
  removeAll(session: OpenSession, signal: AbortSignal): Promise<void> {
    return this.#remover.removeAll(session.driverSession, signal)
  }

  /** The backend answers again: whatever waits is due. */
  makeDue(): void {
    RetrySchedule.makeDue(this.#table.toWrite)
    RetrySchedule.makeDue(this.#table.toRemove)
  }

  /** A removed record whose create may still arrive under this session is only gone with the session. */
  needsFence(session: OpenSession): boolean {
    for (const entry of this.#table.fenced) if (entry.unknownIn.has(session.id)) return true
    return false
  }

  /**
   * Whether every write had a definite outcome in `session`, so that older sessions may go. One
   * that the backend has refused by itself for a ttl does not keep its neighbours waiting.
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
