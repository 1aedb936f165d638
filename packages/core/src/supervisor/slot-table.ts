import type { DesiredRegistration } from './desired-registration.ts'
import { InstanceSlot } from './instance-slot.ts'

const keyOf = (service: string, id: string): string => `${service}\0${id}`

/**
 * The desired state: every id this process has anything to do with, and which of them need work.
 * The two work sets make a round cost what is to be done, not what is registered.
 */
export class SlotTable {
  readonly #slots = new Map<string, InstanceSlot>()
  readonly toPut: Set<InstanceSlot> = new Set()
  readonly toRemove: Set<InstanceSlot> = new Set()
  /** Removed, but a create may still arrive: acknowledged when the session it belongs to is closed. */
  readonly fenced: Set<InstanceSlot> = new Set()

  get size(): number {
    return this.#slots.size
  }

  all(): IterableIterator<InstanceSlot> {
    return this.#slots.values()
  }

  get(service: string, id: string): InstanceSlot | undefined {
    return this.#slots.get(keyOf(service, id))
  }

  /** The slot now wants `desired`, also where a tombstone stood. */
  want(desired: DesiredRegistration): InstanceSlot {
    const { service, id } = desired.instance
    const key = keyOf(service, id)
    const slot = this.#slots.get(key) ?? new InstanceSlot(service, id)
    this.#slots.set(key, slot)
    slot.desired = desired
    slot.writtenVersion = 0
    slot.retryAtMs = 0
    slot.failures = 0
    this.toRemove.delete(slot)
    this.fenced.delete(slot)
    this.toPut.add(slot)
    return slot
  }

  /** The slot becomes a tombstone; one that never touched the backend is simply forgotten. */
  bury(slot: InstanceSlot): void {
    if (slot.desired !== undefined) slot.leaving.add(slot.desired)
    slot.desired = undefined
    slot.retryAtMs = 0
    slot.failures = 0
    this.toPut.delete(slot)
    if (slot.attempted) this.toRemove.add(slot)
    else this.acknowledgeRemoval(slot)
  }

  /**
   * The slot's registration ended by itself. Nothing is left to remove, unless an earlier record
   * of ours may stand (an earlier registration's, or beside a rival's) or a create may still arrive.
   */
  release(slot: InstanceSlot): void {
    slot.desired = undefined
    this.toPut.delete(slot)
    if (slot.stood || slot.unknownIn.size > 0) this.toRemove.add(slot)
    else this.acknowledgeRemoval(slot)
  }

  /** The backend acknowledged the tombstone's removal. */
  removed(slot: InstanceSlot): void {
    this.toRemove.delete(slot)
    if (slot.unknownIn.size === 0) this.acknowledgeRemoval(slot)
    else this.fenced.add(slot)
  }

  /** Nothing of ours stands under this id or can arrive any more. */
  acknowledgeRemoval(slot: InstanceSlot): void {
    this.toRemove.delete(slot)
    this.fenced.delete(slot)
    this.#slots.delete(keyOf(slot.service, slot.id))
    slot.settleRemoval()
  }

  /** A new session: everything desired has to be written in it. */
  dirtyAll(): void {
    for (const slot of this.#slots.values()) {
      slot.retryAtMs = 0
      if (slot.desired !== undefined) this.toPut.add(slot)
      else if (!this.fenced.has(slot)) this.toRemove.add(slot)
    }
  }

  /** That session is closed for good: no create of it can arrive any more. */
  sessionClosed(sessionId: string): void {
    for (const slot of this.#slots.values()) slot.unknownIn.delete(sessionId)
    for (const slot of this.fenced) if (slot.unknownIn.size === 0) this.acknowledgeRemoval(slot)
  }
}
