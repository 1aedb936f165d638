import type { Chance } from '../chance.ts'
import type { Member } from '../member.ts'
import type { PickOptions } from '../pick.ts'

/** After this many unsuitable draws, all members are searched. */
const maxDraws = 8

/** A list of members. Adding, removing and drawing one take constant time. */
export class MemberList {
  readonly members: Member[] = []
  readonly #random: Chance

  constructor(random: Chance) {
    this.#random = random
  }

  add(member: Member): void {
    member.index = this.members.push(member) - 1
  }

  /** Removes a member. The last one takes its place. */
  remove(member: Member): void {
    const last = this.members.pop()
    if (last !== undefined && last !== member) {
      this.members[member.index] = last
      last.index = member.index
    }
    member.index = -1
  }

  /** A random member, suitable or not. */
  #any(): Member | undefined {
    return this.members[Math.floor(this.#random.next() * this.members.length)]
  }

  /** A random member that suits the request, all equally likely. */
  draw(request: PickOptions | undefined): Member | undefined {
    if (request === undefined) return this.#any()
    for (let draws = 0; draws < maxDraws; draws += 1) {
      const member = this.#any()
      if (member === undefined || member.suits(request)) return member
    }
    return this.#search(request)
  }

  /** Searches all members, for when few suit: reservoir sampling of one. */
  #search(request: PickOptions): Member | undefined {
    let drawn: Member | undefined
    let seen = 0
    for (const member of this.members) {
      if (!member.suits(request)) continue
      seen += 1
      if (this.#random.next() * seen < 1) drawn = member
    }
    return drawn
  }
}
