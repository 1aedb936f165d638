import type { Chance } from '../chance.ts'
import type { Member } from '../member.ts'
import type { PickOptions } from '../pick.ts'

/** After so many draws that do not suit, all members are looked at. */
const maxDraws = 8

/** Members side by side: adding, removing and drawing one cost the same for any number. */
export class MemberList {
  readonly members: Member[] = []
  protected readonly random: Chance

  constructor(random: Chance) {
    this.random = random
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
  protected any(): Member | undefined {
    return this.members[Math.floor(this.random.next() * this.members.length)]
  }

  /** How likely a member is drawn, in proportion to the others. */
  protected shareOf(member: Member): number {
    return member.warmth
  }

  /** A random one that suits the request. */
  draw(request: PickOptions | undefined): Member | undefined {
    if (request === undefined) return this.any()
    for (let draws = 0; draws < maxDraws; draws += 1) {
      const member = this.any()
      if (member === undefined || member.suits(request)) return member
    }
    return this.#search(request)
  }

  /** Looks at all: for when few suit. Chao's reservoir of one, 1982. */
  #search(request: PickOptions): Member | undefined {
    let drawn: Member | undefined
    let total = 0
    for (const member of this.members) {
      if (!member.suits(request)) continue
      const share = this.shareOf(member)
      total += share
      if (this.random.next() * total < share) drawn = member
    }
    return drawn
  }
}
