import type { Chance } from '../chance.ts'
import type { Member, Strategy } from '../member.ts'
import type { PickOptions } from '../pick.ts'
import { FenwickTree } from './fenwick-tree.ts'

/** After this many unsuitable draws, all members are searched. */
const maxDraws = 8

/**
 * A strategy that draws members in proportion to their weights. Tables by place hold what two draws are
 * compared by, as reading a member costs more than a whole draw. A draw is one random number while
 * all weights are equal, and otherwise a search in O(log n).
 */
export abstract class WeightedStrategy implements Strategy {
  abstract readonly timed: boolean
  protected readonly members: Member[] = []
  protected readonly random: Chance
  readonly #tree = new FenwickTree()
  /** How many members have each weight. */
  readonly #tally = new Map<number, number>()
  /** Calls in flight, by place. The strategy updates them between `add` and `remove`. */
  protected inFlight: Int32Array = new Int32Array(16)

  /** Whether all weights are equal. */
  protected even = true

  constructor(random: Chance) {
    this.random = random
  }

  get size(): number {
    return this.members.length
  }

  add(member: Member): void {
    member.home = this
    const place = this.members.push(member) - 1
    member.index = place
    if (place === this.inFlight.length) {
      const before = this.inFlight
      this.inFlight = new Int32Array(place * 2)
      this.inFlight.set(before)
    }
    this.inFlight[place] = member.inFlight
    this.#weigh(place, member.weight)
  }

  /** Removes a member. The last one takes its place. */
  remove(member: Member): void {
    const place = member.index
    const last = this.members.length - 1
    const moved = this.members[last]!
    if (place !== last) {
      this.members[place] = moved
      moved.index = place
      this.inFlight[place] = this.inFlight[last]!
      this.#weigh(place, this.weightAt(last))
    }
    this.#weigh(last, 0)
    this.members.pop()
    member.index = -1
    member.home = undefined
  }

  reweigh(member: Member): void {
    this.#weigh(member.index, member.weight)
  }

  abstract pick(request: PickOptions | undefined, nowMs: number): Member | undefined

  abstract settled(member: Member, nowMs: number, latencyMs: number, failed: boolean): void

  /** The weight of the member at this place, up to 1/1,024. */
  protected weightAt(place: number): number {
    return this.#tree.at(place)
  }

  /** The mean weight. */
  protected get meanWeight(): number {
    return this.#tree.total / this.members.length
  }

  /** The place of a random member that suits the request; -1 when none does. */
  protected draw(request: PickOptions | undefined): number {
    if (this.members.length === 0) return -1
    if (request === undefined) return this.#any()
    for (let draws = 0; draws < maxDraws; draws += 1) {
      const place = this.#any()
      if (this.members[place]!.suits(request)) return place
    }
    return this.#search(request)
  }

  /**
   * A random place other than `one`; `one` if there is no other, or drawing another is very
   * unlikely.
   */
  protected drawOther(one: number, request: PickOptions | undefined): number {
    if (request !== undefined) return this.draw(request)
    if (this.even) {
      const { length } = this.members
      if (length < 2) return one
      const place = Math.floor(this.random.next() * (length - 1))
      return place < one ? place : place + 1
    }
    for (let draws = 0; draws < 3; draws += 1) {
      const other = this.#any()
      if (other !== one) return other
    }
    return one
  }

  #any(): number {
    const { length } = this.members
    if (this.even) return Math.floor(this.random.next() * length)
    // rounding may exceed the last place
    return Math.min(this.#tree.find(this.random.next() * this.#tree.total), length - 1)
  }

  /** Searches all members, for when few suit: Chao's reservoir sampling of one, 1982. */
  #search(request: PickOptions): number {
    let drawn = -1
    let total = 0
    for (const member of this.members) {
      if (!member.suits(request)) continue
      total += member.weight
      if (this.random.next() * total < member.weight) drawn = member.index
    }
    return drawn
  }

  #weigh(place: number, weight: number): void {
    const before = this.weightAt(place)
    this.#tree.set(place, weight)
    const after = this.weightAt(place)
    if (before === after) return
    this.#count(before, -1)
    this.#count(after, 1)
  }

  #count(weight: number, by: number): void {
    if (weight === 0) return
    const count = (this.#tally.get(weight) ?? 0) + by
    if (count === 0) this.#tally.delete(weight)
    else this.#tally.set(weight, count)
    this.even = this.#tally.size <= 1
  }
}
