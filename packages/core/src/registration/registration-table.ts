import type { CallContext } from '../driver/call-context.ts'
import type { OwnedRef } from '../driver/registry-driver.ts'
import { instanceKey } from '../model/instance-record.ts'
import type { RegistryError } from '../registry-error.ts'
import { denialDelayMs, retryDelayMs } from '../runtime/timing.ts'
import { Waiters } from '../runtime/waiters.ts'
import type { OpenSession } from '../session/open-session.ts'
import type { DesiredRegistration } from './desired-registration.ts'

/** What the rounds share. */
export interface RegistrationContext extends CallContext {
  /** This registry's name in claims. */
  readonly owner: string
}

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

  /** Names the entry's record in calls of the driver. */
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

/**
 * The desired state: every id that this process handles, which of them need work, and when. With the
 * two work sets the cost of a round depends on the work to do, not on the number of registrations.
 */
export class RegistrationTable {
  readonly #context: CallContext
  readonly #entries = new Map<string, RegistrationEntry>()
  /** Registrations taken over by another owner, until the user deregisters or registers the id again. */
  readonly #superseded = new Map<string, DesiredRegistration>()
  readonly toWrite: Set<RegistrationEntry> = new Set()
  readonly toRemove: Set<RegistrationEntry> = new Set()
  /** Removed, but a create may still arrive: acknowledged when the session of that create is closed. */
  readonly fenced: Set<RegistrationEntry> = new Set()

  constructor(context: CallContext) {
    this.#context = context
  }

  get size(): number {
    return this.#entries.size
  }

  all(): IterableIterator<RegistrationEntry> {
    return this.#entries.values()
  }

  /** Everything desired, in the order of registration. */
  desired(): readonly DesiredRegistration[] {
    return [...this.#entries.values()].flatMap((entry) => entry.desired ?? [])
  }

  /** Registrations that another owner took over and that the user has not deregistered. */
  superseded(): readonly DesiredRegistration[] {
    return [...this.#superseded.values()]
  }

  get(service: string, id: string): RegistrationEntry | undefined {
    return this.#entries.get(instanceKey(service, id))
  }

  /** Makes `desired` the desired registration of its id, replacing another one or a tombstone. */
  add(desired: DesiredRegistration): RegistrationEntry {
    const { service, id } = desired.instance
    const key = instanceKey(service, id)
    const entry = this.#entries.get(key) ?? new RegistrationEntry(service, id)
    this.#entries.set(key, entry)
    this.#superseded.delete(key)
    // the previous registration's record stays stored until this one is written
    if (entry.desired !== undefined && entry.attempted) entry.leaving.add(entry.desired)
    entry.desired = desired
    entry.writtenVersion = 0
    entry.failing = undefined
    entry.resetRetries()
    this.toRemove.delete(entry)
    this.fenced.delete(entry)
    this.toWrite.add(entry)
    return entry
  }

  /** Turns the entry into a tombstone, or deletes it if no write was ever attempted. */
  takeBack(entry: RegistrationEntry): void {
    if (entry.desired !== undefined) entry.leaving.add(entry.desired)
    entry.desired = undefined
    entry.resetRetries()
    this.toWrite.delete(entry)
    if (entry.attempted) this.toRemove.add(entry)
    else this.acknowledgeRemoval(entry)
  }

  /**
   * The entry's registration ended by itself. Nothing is left to remove, unless an earlier record of
   * ours may be stored (of an earlier registration, or besides another owner's) or a create may
   * still arrive.
   */
  release(entry: RegistrationEntry): void {
    entry.desired = undefined
    this.toWrite.delete(entry)
    if (entry.stood || entry.unknownIn.size > 0) this.toRemove.add(entry)
    else this.acknowledgeRemoval(entry)
  }

  /** Another owner now holds the id. A registration with `yield` expects that and is not kept. */
  rememberSuperseded(desired: DesiredRegistration): void {
    const { service, id } = desired.instance
    if (desired.everWritten && desired.onConflict !== 'yield')
      this.#superseded.set(instanceKey(service, id), desired)
  }

  /** Drops a superseded registration, as the user has deregistered it. */
  forgetSuperseded(desired: DesiredRegistration): void {
    const key = instanceKey(desired.instance.service, desired.instance.id)
    if (this.#superseded.get(key) === desired) this.#superseded.delete(key)
  }

  /** The backend acknowledged the tombstone's removal. */
  removed(entry: RegistrationEntry): void {
    this.toRemove.delete(entry)
    if (entry.unknownIn.size === 0) this.acknowledgeRemoval(entry)
    else this.fenced.add(entry)
  }

  /** No record of ours is stored under this id or can still arrive. */
  acknowledgeRemoval(entry: RegistrationEntry): void {
    this.toRemove.delete(entry)
    this.fenced.delete(entry)
    this.#entries.delete(instanceKey(entry.service, entry.id))
    entry.settleRemoval()
  }

  /** Marks everything desired for writing in a new session. */
  markAllDirty(): void {
    for (const entry of this.#entries.values()) {
      entry.retryAtMs = 0
      // tombstones are to be removed, or fenced, in every session
      if (entry.desired !== undefined) this.toWrite.add(entry)
    }
  }

  /** That session is closed: no create of it can still arrive. */
  sessionClosed(sessionId: string): void {
    for (const entry of this.#entries.values()) entry.unknownIn.delete(sessionId)
    for (const entry of this.fenced) if (entry.unknownIn.size === 0) this.acknowledgeRemoval(entry)
  }

  /** Those of `entries` that may be attempted now. */
  due(entries: Iterable<RegistrationEntry>): readonly RegistrationEntry[] {
    const now = this.#context.clock.monotonicMs()
    return [...entries].filter((entry) => entry.retryAtMs <= now)
  }

  /** When the next write or removal is due. */
  get nextDueMs(): number {
    let dueMs = Number.POSITIVE_INFINITY
    for (const entries of [this.toWrite, this.toRemove])
      for (const entry of entries) dueMs = Math.min(dueMs, entry.retryAtMs)
    return dueMs
  }

  /**
   * Schedules the next attempt of failed entries. Entries that failed together are retried together,
   * so that recovery happens in batches. A permanent failure is retried near the cap.
   */
  postpone(entries: readonly RegistrationEntry[], cause?: RegistryError): void {
    const { clock, random, backoff } = this.#context
    const failures = Math.max(0, ...entries.map((entry) => entry.failures))
    const delayMs =
      cause?.retryable === false
        ? denialDelayMs(backoff, random)
        : retryDelayMs(backoff, failures, random)
    const retryAtMs = clock.monotonicMs() + delayMs
    for (const entry of entries) {
      entry.failures += 1
      entry.retryAtMs = retryAtMs
    }
  }

  /** Makes every waiting entry due, as the backend answers again and its delays are obsolete. */
  makeDue(): void {
    for (const entries of [this.toWrite, this.toRemove])
      for (const entry of entries) entry.retryAtMs = 0
  }

  /** Whether a create of a removed record may still arrive; only closing the session prevents that. */
  needsFence(session: OpenSession): boolean {
    for (const entry of this.fenced) if (entry.unknownIn.has(session.id)) return true
    return false
  }

  /**
   * Whether every write had a definite outcome in `session`, so that older sessions may be closed.
   * Ignores an entry that the backend has refused individually for a ttl.
   */
  isSettled(session: OpenSession): boolean {
    const now = this.#context.clock.monotonicMs()
    for (const { settledIn, failing } of this.toWrite) {
      if (settledIn === session.id) continue
      const lasting =
        failing?.sessionId === session.id && now - failing.sinceMs >= session.grantedTtlMs
      if (!lasting) return false
    }
    return true
  }
}
