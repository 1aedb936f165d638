import type { Chance } from '../chance.ts'
import type { Member, Strategy } from '../member.ts'
import type { PickOptions } from '../pick.ts'
import { MemberList } from './member-list.ts'

/**
 * Picks members in turn, from a random start, so that clients that start together do not stay in
 * step. Ignores weights other than 0. During slow start a member is skipped in proportion to its
 * missing warmth.
 */
export class RoundRobin implements Strategy {
  readonly timed = false
  readonly #random: Chance
  readonly #list: MemberList
  #next = -1

  constructor(random: Chance) {
    this.#random = random
    this.#list = new MemberList(random)
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
    const { members } = this.#list
    let next = this.#next
    if (next < 0) next = Math.floor(this.#random.next() * members.length)
    let cold: Member | undefined
    for (let tries = members.length; tries > 0; tries -= 1) {
      if (next >= members.length) next = 0
      const member = members[next]!
      next += 1
      if (request !== undefined && !member.suits(request)) continue
      if (member.warmth === 1 || this.#random.next() < member.warmth) {
        this.#next = next
        return member
      }
      cold ??= member
    }
    this.#next = next
    return cold
  }

  settled(): void {}
}
