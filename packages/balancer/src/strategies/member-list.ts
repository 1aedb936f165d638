import type { Chance } from '../chance.ts'
import type { Member } from '../member.ts'
import type { PickOptions } from '../pick.ts'

/** After so many draws that do not suit, all members are looked at. */
const maxDraws = 8

/** Members side by side: adding, removing and drawing one cost the same for any number. */
export class MemberList {
  readonly members: Member[] = []
  readonly #random: Chance

  constructor(random: Chance) {
    this.#random = random
  }

  add(member: Member): void {
    member.index = this.members.push(member) - 1
  }

  /** The last one takes its place. */
  remove(member: Member): void {
    const last = this.members.pop()
    if (last !== undefined && last !== member) {
      this.members[member.index] = last
      last.index = member.index
    }
    member.index = -1
  }

  /** A random one, whether it suits or not. */
  #any(): Member | undefined {
    return this.members[Math.floor(this.#random.next() * this.members.length)]
  }

  /** A random one that suits the request, each as likely as the next. */
  draw(request: PickOptions | undefined): Member | undefined {
    if (request === undefined) return this.#any()
    for (let draws = 0; draws < maxDraws; draws += 1) {
      const member = this.#any()
      if (member === undefined || member.suits(request)) return member
    }
    return this.#search(request)
  }

  /** Looks at all: for when few suit. A reservoir of one. */
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
