import type { Chance } from '../chance.ts'
import type { Member, Strategy } from '../member.ts'
import type { PickOptions } from '../pick.ts'
import { WeightedList } from './weighted-list.ts'

/**
 * The power of two choices: draws two in proportion to their weights, and takes the one with fewer
 * calls in flight relative to its weight. A tie goes to the first, so that without load the shares
 * equal the weights.
 * M. Mitzenmacher, "The power of two choices in randomized load balancing", IEEE TPDS 12(10), 2001.
 */
export class P2c implements Strategy {
  readonly timed = false
  readonly #list: WeightedList

  constructor(random: Chance) {
    this.#list = new WeightedList(random)
  }

  get size(): number {
    return this.#list.members.length
  }

  add(member: Member): void {
    member.home = this
    this.#list.add(member)
  }

  remove(member: Member): void {
    this.#list.remove(member)
    member.home = undefined
  }

  reweigh(member: Member): void {
    this.#list.reweigh(member)
  }

  pick(request: PickOptions | undefined): Member | undefined {
    const list = this.#list
    const one = list.draw(request)
    if (one < 0) return undefined
    const other = list.drawOther(one, request)
    const { inFlight } = list
    const fewer = list.even
      ? inFlight[one]! <= inFlight[other]!
      : inFlight[one]! * list.weightAt(other) <= inFlight[other]! * list.weightAt(one)
    const place = fewer ? one : other
    inFlight[place]! += 1
    return list.members[place]
  }

  settled(member: Member): void {
    this.#list.inFlight[member.index]! -= 1
  }
}
