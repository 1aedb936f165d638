import type { Chance } from '../chance.ts'
import type { Member, Strategy } from '../member.ts'
import type { PickOptions } from '../pick.ts'
import { MemberList } from './member-list.ts'

/** How often a draw is repeated at most because of slow start. */
const maxDraws = 8

/**
 * Picks all members with equal probability. Ignores weights other than 0. During slow start the
 * probability is multiplied by the warmth.
 */
export class RandomChoice implements Strategy {
  readonly timed = false
  readonly #random: Chance
  readonly #list: MemberList

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
    let member = this.#list.draw(request)
    for (let draws = 1; draws < maxDraws; draws += 1) {
      if (member === undefined || member.warmth === 1) return member
      if (this.#random.next() < member.warmth) return member
      member = this.#list.draw(request)
    }
    return member
  }

  settled(): void {}
}
