import type { Member } from '../member.ts'
import { MemberList } from './member-list.ts'

/** Weights are kept as whole numbers of this fraction, so that sums stay exact. */
const unitsPerWeight = 1_024
const toUnits = (weight: number): number => Math.max(1, Math.round(weight * unitsPerWeight))

/**
 * Members that are drawn in proportion to their weights. While all weigh the same this is one
 * random number; otherwise a Fenwick tree finds the member in O(log n), and takes a change of one
 * weight in O(log n). P. M. Fenwick, "A new data structure for cumulative frequency tables", 1994.
 */
export class WeightedList extends MemberList {
  /** By place. */
  #units = new Float64Array(16)
  /** `tree[i]` (from 1) is the sum of the `i & -i` places up to the i-th. */
  #tree = new Float64Array(17)
  #total = 0
  /** How many members have each weight. */
  readonly #tally = new Map<number, number>()

  override add(member: Member): void {
    super.add(member)
    if (member.index >= this.#units.length) this.#grow()
    this.#set(member.index, toUnits(member.weight))
  }

  override remove(member: Member): void {
    const place = member.index
    const last = this.members.length - 1
    super.remove(member)
    if (place !== last) this.#set(place, this.#units[last] ?? 0)
    this.#set(last, 0)
  }

  /** `member.weight` has changed. */
  reweigh(member: Member): void {
    this.#set(member.index, toUnits(member.weight))
  }

  /** The mean weight. */
  get meanWeight(): number {
    return this.#total / unitsPerWeight / this.members.length
  }

  /** Another random one than `one`; `one` when there is no other, or hardly ever another. */
  another(one: Member): Member | undefined {
    if (this.#tally.size > 1) {
      for (let draws = 0; draws < 3; draws += 1) {
        const other = this.any()
        if (other !== one) return other
      }
      return one
    }
    const { length } = this.members
    if (length < 2) return one
    const place = Math.floor(this.random.next() * (length - 1))
    return this.members[place < one.index ? place : place + 1]
  }

  protected override any(): Member | undefined {
    if (this.#tally.size <= 1) return super.any()
    let rest = this.random.next() * this.#total
    let place = 0
    for (let step = this.#units.length; step > 0; step >>= 1) {
      const sum = this.#tree[place + step]
      if (sum === undefined || sum > rest) continue
      place += step
      rest -= sum
    }
    // rounding may take it one too far
    return this.members[Math.min(place, this.members.length - 1)]
  }

  protected override shareOf(member: Member): number {
    return member.weight
  }

  #set(place: number, units: number): void {
    const before = this.#units[place] ?? 0
    if (before === units) return
    this.#units[place] = units
    this.#count(before, -1)
    this.#count(units, 1)
    const difference = units - before
    this.#total += difference
    for (let index = place + 1; index < this.#tree.length; index += index & -index)
      this.#tree[index]! += difference
  }

  #count(units: number, by: number): void {
    if (units === 0) return
    const count = (this.#tally.get(units) ?? 0) + by
    if (count === 0) this.#tally.delete(units)
    else this.#tally.set(units, count)
  }

  /** Doubles the room, always a power of two: the search halves its steps. */
  #grow(): void {
    const before = this.#units
    this.#units = new Float64Array(before.length * 2)
    this.#units.set(before)
    const tree = new Float64Array(this.#units.length + 1)
    for (let index = 1; index < tree.length; index += 1) {
      tree[index]! += this.#units[index - 1] ?? 0
      const parent = index + (index & -index)
      if (parent < tree.length) tree[parent]! += tree[index] ?? 0
    }
    this.#tree = tree
  }
}
