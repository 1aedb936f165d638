import { instanceKey } from '../model/instance-record.ts'
import type { DesiredRegistration } from './desired-registration.ts'
import { RegistrationEntry } from './registration-entry.ts'

/**
 * The desired state: every id this process has anything to do with, and which of them need work.
 * The two work sets make a round cost what is to be done, not what is registered.
 */
export class RegistrationTable {
  readonly #entries = new Map<string, RegistrationEntry>()
  /** What lost its id to somebody else, until the user takes it back or registers the id again. */
  readonly #superseded = new Map<string, DesiredRegistration>()
  readonly toWrite: Set<RegistrationEntry> = new Set()
  readonly toRemove: Set<RegistrationEntry> = new Set()
  /** Removed, but a create may still arrive: acknowledged when the session it belongs to is closed. */
  readonly fenced: Set<RegistrationEntry> = new Set()

  get size(): number {
    return this.#entries.size
  }

  all(): IterableIterator<RegistrationEntry> {
    return this.#entries.values()
  }

  /** Everything desired, in the order it was registered. */
  desired(): readonly DesiredRegistration[] {
    return [...this.#entries.values()].flatMap((entry) => entry.desired ?? [])
  }

  /** What somebody else took over and the user has not taken back. */
  superseded(): readonly DesiredRegistration[] {
    return [...this.#superseded.values()]
  }

  get(service: string, id: string): RegistrationEntry | undefined {
    return this.#entries.get(instanceKey(service, id))
  }

  /** `desired` is to stand now, also where another one did, or a tombstone. */
  add(desired: DesiredRegistration): RegistrationEntry {
    const { service, id } = desired.instance
    const key = instanceKey(service, id)
    const entry = this.#entries.get(key) ?? new RegistrationEntry(service, id)
    this.#entries.set(key, entry)
    this.#superseded.delete(key)
    // the record of the one before stands until ours does
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

  /** The entry becomes a tombstone; one that never touched the backend is simply forgotten. */
  takeBack(entry: RegistrationEntry): void {
    if (entry.desired !== undefined) entry.leaving.add(entry.desired)
    entry.desired = undefined
    entry.resetRetries()
    this.toWrite.delete(entry)
    if (entry.attempted) this.toRemove.add(entry)
    else this.acknowledgeRemoval(entry)
  }

  /**
   * The entry's registration ended by itself. Nothing is left to remove, unless an earlier record
   * of ours may stand (an earlier registration's, or beside a rival's) or a create may still arrive.
   */
  release(entry: RegistrationEntry): void {
    entry.desired = undefined
    this.toWrite.delete(entry)
    if (entry.stood || entry.unknownIn.size > 0) this.toRemove.add(entry)
    else this.acknowledgeRemoval(entry)
  }

  /** Somebody else holds the id now. One that yields does so as it was asked to. */
  rememberSuperseded(desired: DesiredRegistration): void {
    const { service, id } = desired.instance
    if (desired.everWritten && desired.onConflict !== 'yield')
      this.#superseded.set(instanceKey(service, id), desired)
  }

  /** The user has taken note of it. */
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

  /** Nothing of ours stands under this id or can arrive any more. */
  acknowledgeRemoval(entry: RegistrationEntry): void {
    this.toRemove.delete(entry)
    this.fenced.delete(entry)
    this.#entries.delete(instanceKey(entry.service, entry.id))
    entry.settleRemoval()
  }

  /** A new session: everything desired has to be written in it. */
  markAllDirty(): void {
    for (const entry of this.#entries.values()) {
      entry.retryAtMs = 0
      if (entry.desired !== undefined) this.toWrite.add(entry)
      else if (!this.fenced.has(entry)) this.toRemove.add(entry)
    }
  }

  /** That session is closed for good: no create of it can arrive any more. */
  sessionClosed(sessionId: string): void {
    for (const entry of this.#entries.values()) entry.unknownIn.delete(sessionId)
    for (const entry of this.fenced) if (entry.unknownIn.size === 0) this.acknowledgeRemoval(entry)
  }
}
