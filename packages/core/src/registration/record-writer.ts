import { callSubject } from '../driver/call-context.ts'
import type { PutOutcome } from '../driver/registry-driver.ts'
import type { Claim } from '../model/claim.ts'
import { RegistryError } from '../registry-error.ts'
import { type CallSubject, withDeadline } from '../runtime/abort.ts'
import { inBatches, isOfItems } from '../runtime/batches.ts'
import type { OpenSession } from '../session/open-session.ts'
import type { DesiredRegistration } from './desired-registration.ts'
import type {
  RegistrationContext,
  RegistrationEntry,
  RegistrationTable,
} from './registration-table.ts'

/** Maximum number of concurrent batches. */
const parallelBatches = 8

interface Sent {
  readonly entry: RegistrationEntry
  readonly desired: DesiredRegistration
  readonly version: number
}

/** Writes desired registrations in the open session, in batches, and handles each outcome. */
export class RecordWriter {
  readonly #context: RegistrationContext
  readonly #table: RegistrationTable

  constructor(context: RegistrationContext, table: RegistrationTable) {
    this.#context = context
    this.#table = table
  }

  /** Runs one round over the due entries. */
  async writeDue(session: OpenSession): Promise<void> {
    const { driver } = this.#context
    await inBatches(this.#table.due(this.#table.toWrite), {
      size: driver.capabilities.maxBatch,
      parallel: parallelBatches,
      signal: session.signal,
      subjectOf: ([entry]) => callSubject(this.#context, 'put', entry?.service),
      work: (entries, subject) => this.#put(session, entries, subject),
      failed: (entries, cause) => this.#failed(session, entries, cause),
    })
  }

  async #put(
    session: OpenSession,
    entries: readonly RegistrationEntry[],
    subject: CallSubject,
  ): Promise<void> {
    const sent = entries.flatMap((entry): Sent[] => {
      const { desired } = entry
      return desired === undefined ? [] : [{ entry, desired, version: desired.version }]
    })
    if (sent.length === 0) return
    const { clock, callTimeoutMs } = this.#context
    const requests = sent.map(({ desired }) => desired.request(session.grantedTtlMs))
    for (const { entry } of sent) entry.attempted = true
    let outcomes: readonly PutOutcome[]
    try {
      outcomes = await withDeadline(clock, callTimeoutMs, session.signal, subject, (signal) =>
        session.driverSession.put(requests, signal),
      )
    } catch (thrown) {
      const cause = RegistryError.from(thrown, subject)
      // the driver's comparison fences a late update, but not a late create; an update becomes a
      // create where another client has deleted the record
      // a backend that does not know the session has written nothing in it
      const refused = !cause.retryable || cause.code === 'session-lost'
      if (session.signal.aborted || !refused) {
        session.noteWritten()
        for (const { entry } of sent) entry.unknownIn.add(session.id)
      }
      throw cause
    }
    sent.forEach((item, index) => this.#conclude(session, item, outcomes[index]))
  }

  #failed(session: OpenSession, entries: readonly RegistrationEntry[], cause: RegistryError): void {
    const [entry] = entries
    if (isOfItems(cause) && !session.signal.aborted && entry?.desired !== undefined) {
      this.#refused(session, entry, entry.desired, cause)
      return
    }
    this.#context.availability.failed(cause)
    if (cause.retryable) for (const { desired } of entries) desired?.disturb(cause)
    this.#table.postpone(entries, cause)
    if (cause.code === 'session-lost') session.lose(cause)
  }

  #conclude(session: OpenSession, sent: Sent, outcome: PutOutcome | undefined): void {
    const { entry, desired } = sent
    switch (outcome?.result) {
      case 'written':
        this.#written(session, sent)
        break
      case 'conflict':
        if (entry.desired === desired) this.#conflicted(session, entry, desired, outcome.holder)
        break
      case 'error':
        this.#refused(session, entry, desired, outcome.error)
        break
      case undefined: {
        const { backend } = this.#context
        const message =
          'the driver returned fewer outcomes than requests, which is a defect of the driver'
        const cause = new RegistryError('internal', { backend, operation: 'put', message })
        this.#refused(session, entry, desired, cause)
      }
    }
  }

  #written(session: OpenSession, { entry, desired, version }: Sent): void {
    session.noteWritten()
    entry.stood = true
    entry.writtenIn = session.id
    entry.settledIn = session.id
    entry.failing = undefined
    entry.failures = 0
    // deregistered or registered again meanwhile: the stored record is no longer the desired one
    if (entry.desired !== desired) return
    entry.writtenVersion = version
    if (!entry.needsPut(session.id)) this.#table.toWrite.delete(entry)
    entry.settleRemoval()
    desired.written(version)
  }

  #conflicted(
    session: OpenSession,
    entry: RegistrationEntry,
    desired: DesiredRegistration,
    holder: Claim | undefined,
  ): void {
    entry.settledIn = session.id
    if (holder !== undefined && desired.riseAbove(holder)) {
      // at once the first time; if the holder keeps raising its claim, with backoff
      if (entry.failures > 0) this.#table.postpone([entry])
      else entry.failures = 1
      return
    }
    const cause = desired.error('conflict', holder)
    this.#table.release(entry)
    const older = desired.onConflict === 'takeover' && holder !== undefined
    if (desired.everWritten || (older && desired.calledBefore(holder))) {
      this.#table.rememberSuperseded(desired)
      desired.supersede(cause)
    } else desired.fail(cause)
  }

  /** The backend refused this record. */
  #refused(
    session: OpenSession,
    entry: RegistrationEntry,
    desired: DesiredRegistration,
    cause: RegistryError,
  ): void {
    if (entry.desired !== desired) return
    if (cause.retryable) this.#noteFailing(session, entry)
    else {
      entry.settledIn = session.id
      if (!desired.everWritten) {
        this.#table.release(entry)
        desired.fail(cause)
        return
      }
    }
    this.#table.postpone([entry], cause)
    desired.disturb(cause)
  }

  #noteFailing(session: OpenSession, entry: RegistrationEntry): void {
    const sinceMs = entry.failing?.sinceMs ?? this.#context.clock.monotonicMs()
    entry.failing = { sessionId: session.id, sinceMs }
  }
}
