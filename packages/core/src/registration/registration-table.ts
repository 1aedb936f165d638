import { instanceKey } from '../model/instance-record.ts'
import type { DesiredRegistration } from './desired-registration.ts'
import { RegistrationEntry } from './registration-entry.ts'

/**
 * The desired state: every id that this process handles, and which of them need work. With the two
 * work sets the cost of a round depends on the work to do, not on the number of registrations.
 */
export class RegistrationTable {
  readonly #entries = new Map<string, RegistrationEntry>()
  /** Registrations taken over by another owner, until the user deregisters or registers the id again. */
  readonly #superseded = new Map<string, DesiredRegistration>()
  readonly toWrite: Set<RegistrationEntry> = new Set()
  readonly toRemove: Set<RegistrationEntry> = new Set()
  /** Removed, but a create may still arrive: acknowledged when the session of that create is closed. */
  readonly fenced: Set<RegistrationEntry> = new Set()

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
      if (entry.desired !== undefined) this.toWrite.add(entry)
      else if (!this.fenced.has(entry)) this.toRemove.add(entry)
    }
  }

  /** That session is closed: no create of it can still arrive. */
  sessionClosed(sessionId: string): void {
    for (const entry of this.#entries.values()) entry.unknownIn.delete(sessionId)
    for (const entry of this.fenced) if (entry.unknownIn.size === 0) this.acknowledgeRemoval(entry)
  }
}
