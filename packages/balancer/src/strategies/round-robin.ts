import type { Random } from '@sd/core'
import type { Member } from '../member.ts'
import type { PickOptions } from '../pick.ts'
import { MemberList } from './member-list.ts'
import type { Strategy } from './strategy.ts'

/**
 * One after another, from a random place, so that clients which start together do not march in
 * step. Does not use weights (other than 0).
 */
export class RoundRobin implements Strategy {
  readonly timed = false
  readonly #list = new MemberList()
  readonly #random: Random
  #next = -1

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
    const { members } = this.#list
    if (this.#next < 0) this.#next = Math.floor(this.#random.next() * members.length)
    for (let tries = members.length; tries > 0; tries -= 1) {
      if (this.#next >= members.length) this.#next = 0
      const member = members[this.#next]
      this.#next += 1
      if (member !== undefined && (request === undefined || member.suits(request))) return member
    }
    return undefined
  }

  settled(): void {}
}
