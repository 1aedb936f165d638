import { callSubject } from '../driver/call-context.ts'
import type { Audit } from '../driver/registry-driver.ts'
import { claimWins } from '../model/claim.ts'
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

const parallelBatches = 2

interface Asked {
  readonly entry: RegistrationEntry
  readonly desired: DesiredRegistration | undefined
  readonly version: number
}

/**
 * Checks that our records are still stored as written. A lease does not show a deletion or a
 * takeover, and a watch of our own services would deliver every change of every peer.
 */
export class RecordAuditor {
  readonly #context: RegistrationContext
  readonly #table: RegistrationTable

  constructor(context: RegistrationContext, table: RegistrationTable) {
    this.#context = context
    this.#table = table
  }

  /**
   * Audits all written records, and removes what the session does not hold; returns why the backend
   * did not answer, if it did not.
   */
  async audit(session: OpenSession): Promise<RegistryError | undefined> {
    const { driver } = this.#context
    const written = [...this.#table.all()].filter(
      (entry) => entry.desired !== undefined && !entry.needsPut(session.id),
    )
    let unanswered: RegistryError | undefined
    await inBatches(written, {
      size: driver.capabilities.maxBatch,
      parallel: parallelBatches,
      signal: session.signal,
      subjectOf: ([entry]) => callSubject(this.#context, 'audit', entry?.service),
      work: (entries, subject) => this.#ask(session, entries, subject),
      failed: ([entry], cause) => {
        if (!isOfItems(cause)) unanswered ??= cause
        // unknown whether it is still stored; the next audit asks again
        else entry?.desired?.disturb(cause)
      },
    })
    return unanswered ?? (await this.#removeStrays(session))
  }

  async #removeStrays({ driverSession, signal }: OpenSession): Promise<RegistryError | undefined> {
    if (driverSession.removeStrays === undefined) return undefined
    const { clock, callTimeoutMs, publish } = this.#context
    const subject = callSubject(this.#context, 'audit')
    try {
      const keys = await withDeadline(clock, callTimeoutMs, signal, subject, async (bounded) =>
        driverSession.removeStrays?.(bounded),
      )
      for (const key of keys ?? []) {
        const message = `${key} was removed: it is not registered, but was tied to the session`
        publish('registration', 'warn', 'record-stray', message, { key })
      }
      return undefined
    } catch (thrown) {
      const cause = RegistryError.from(thrown, subject)
      // a denied look at the session is no reason to write anything again
      return isOfItems(cause) ? undefined : cause
    }
  }

  async #ask(
    session: OpenSession,
    entries: readonly RegistrationEntry[],
    subject: CallSubject,
  ): Promise<void> {
    const { owner, clock, callTimeoutMs } = this.#context
    const asked = entries
      // written, deregistered or lost while the slices before were audited
      .filter((entry) => entry.desired !== undefined && !entry.needsPut(session.id))
      .map((entry): Asked => ({ entry, desired: entry.desired, version: entry.writtenVersion }))
    if (asked.length === 0) return
    const refs = asked.map(({ entry }) => entry.ref(owner))
    const audits = await withDeadline(clock, callTimeoutMs, session.signal, subject, (signal) =>
      session.driverSession.audit(refs, signal),
    )
    asked.forEach((item, index) => this.#conclude(session, item, audits[index]))
  }

  #conclude(
    session: OpenSession,
    { entry, desired, version }: Asked,
    audit: Audit | undefined,
  ): void {
    // written, deregistered or registered again during the audit: the answer is outdated
    if (desired === undefined || entry.desired !== desired) return
    if (entry.writtenVersion !== version) return
    if (entry.needsPut(session.id) || audit === undefined) return
    switch (audit.state) {
      case 'ours':
        desired.written(version)
        return
      case 'edited':
        if (this.#adopt(entry, desired, audit)) return
        break
      case 'replaced':
        if (this.#superseded(entry, desired, audit)) return
        break
      case 'missing':
    }
    this.#undo(entry, desired, audit)
  }

  /** Adopts an edit that another client made in our name, as `Registry.edit` does. */
  #adopt(entry: RegistrationEntry, desired: DesiredRegistration, { record }: Audit): boolean {
    if (record?.claim === undefined) return false
    const { claimedAtMs, seq } = record.claim
    if (claimedAtMs !== desired.claim.claimedAtMs || seq <= desired.claim.seq) return false
    desired.adopt(record)
    this.#writeAgain(entry)
    const { service, id } = entry
    this.#context.publish(
      'registration',
      'info',
      'record-adopted',
      'an edit by another client was adopted',
      {
        service,
        id,
      },
    )
    return true
  }

  #superseded(
    entry: RegistrationEntry,
    desired: DesiredRegistration,
    { record, foreign = false }: Audit,
  ): boolean {
    const claim = record?.claim
    if (!foreign && claimWins(desired.claim, claim)) return false
    this.#table.release(entry)
    this.#table.rememberSuperseded(desired)
    desired.supersede(desired.error('conflict', claim))
    return true
  }

  #undo(entry: RegistrationEntry, desired: DesiredRegistration, { state }: Audit): void {
    const { backend, publish } = this.#context
    const { service, id } = entry
    publish(
      'registration',
      'warn',
      `record-${state}`,
      `the audit found the record ${state}; it is being written again`,
      { service, id },
    )
    this.#writeAgain(entry)
    const message = `the audit found the record ${state}: another client changed or deleted it, or a session of it has ended; it is being written again`
    desired.disturb(
      new RegistryError('conflict', { backend, operation: 'audit', service, message }),
    )
  }

  #writeAgain(entry: RegistrationEntry): void {
    entry.writtenIn = undefined
    this.#table.toWrite.add(entry)
  }
}
