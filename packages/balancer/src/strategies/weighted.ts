import type { Chance } from '../chance.ts'
import type { Member, Strategy } from '../member.ts'
import type { PickOptions } from '../pick.ts'
import { DeadlineHeap } from './deadline-heap.ts'
import { SlotTable } from './slot-table.ts'

/** After this many unsuitable turns, all members are searched. */
const maxTurns = 8

/**
 * Earliest deadline first: each pick moves its member's deadline 1/weight further, and the earliest
 * is next. Turns are as even as round robin's, in exact proportion to the weights. Envoy
 * (edf_scheduler.h). The first deadline is random in [0, 1/weight), so that clients that start
 * together do not stay in step (gRFC A58).
 */
export class Weighted implements Strategy {
  readonly timed = false
  readonly #random: Chance
  readonly #slots = new SlotTable()
  readonly #heap = new DeadlineHeap()
  /** The deadline of the latest turn. */
  #time = 0

  constructor(random: Chance) {
    this.#random = random
  }

  get size(): number {
    return this.#heap.size
  }

  add(member: Member): void {
    member.home = this
    const slot = this.#slots.add(member)
    this.#heap.add(slot, this.#time + this.#random.next() / member.weight)
  }

  remove(member: Member): void {
    this.#heap.remove(member.index)
    this.#slots.remove(member)
    member.home = undefined
  }

  /** Scales the member's remaining wait with the weight. */
  reweigh(member: Member, before: number): void {
    const left = this.#heap.deadlineOf(member.index) - this.#time
    this.#heap.move(member.index, this.#time + (left * before) / member.weight)
  }

  pick(request: PickOptions | undefined): Member | undefined {
    if (this.#heap.size === 0) return undefined
    if (request === undefined) return this.#turn()
    const turns = Math.min(maxTurns, this.#heap.size)
    for (let turn = 0; turn < turns; turn += 1) {
      // an unsuitable member loses its turn, so that the others keep their proportions
      const member = this.#turn()
      if (member?.suits(request) === true) return member
    }
    return this.#search(request)
  }

  settled(): void {}

  #turn(): Member | undefined {
    const slot = this.#heap.first
    const member = this.#slots.members[slot]
    this.#time = this.#heap.firstDeadline
    if (member !== undefined) this.#heap.postpone(this.#time + 1 / member.weight)
    return member
  }

  /** The earliest member that suits, when few do. */
  #search(request: PickOptions): Member | undefined {
    let found: Member | undefined
    let earliest = Number.POSITIVE_INFINITY
    for (const member of this.#slots.members) {
      if (member === undefined || !member.suits(request)) continue
      const deadline = this.#heap.deadlineOf(member.index)
      if (deadline < earliest) [found, earliest] = [member, deadline]
    }
    if (found !== undefined) this.#heap.move(found.index, earliest + 1 / found.weight)
    return found
  }
}
