import type { Random } from '@sd/core'
import type { Member } from '../member.ts'
import type { PickOptions } from '../pick.ts'
import { MemberList } from './member-list.ts'
import type { Strategy } from './strategy.ts'

/** After so many draws that do not suit, all members are looked at. */
const maxDraws = 8

/**
 * The power of two choices: draws two, and takes the one with fewer calls in flight.
 * Mitzenmacher, "The power of two choices in randomized load balancing", 2001.
 */
export class P2c implements Strategy {
  readonly timed = false
  readonly #list = new MemberList()
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
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

  reweigh(): void {}

  pick(request: PickOptions | undefined): Member | undefined {
    const one = this.#draw(request)
    const other = this.#draw(request)
    if (one === undefined || other === undefined) return one ?? other
    return one.inFlight * other.weight <= other.inFlight * one.weight ? one : other
  }

  settled(): void {}

  #draw(request: PickOptions | undefined): Member | undefined {
    const { members } = this.#list
    for (let draws = 0; draws < maxDraws; draws += 1) {
      const member = members[Math.floor(this.#random.next() * members.length)]
      if (member === undefined || request === undefined || member.suits(request)) return member
    }
    return request === undefined ? undefined : this.#list.drawSuitable(request, this.#random)
  }
}
