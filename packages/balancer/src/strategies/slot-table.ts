import type { Member } from '../member.ts'

/** Assigns each member a fixed small integer, as an index into numeric tables. */
export class SlotTable {
  readonly members: (Member | undefined)[] = []
  readonly #free: number[] = []

  add(member: Member): number {
    const slot = this.#free.pop() ?? this.members.length
    this.members[slot] = member
    member.index = slot
    return slot
  }

  remove(member: Member): void {
    this.members[member.index] = undefined
    this.#free.push(member.index)
    member.index = -1
  }
}
