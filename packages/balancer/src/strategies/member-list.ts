import type { Random } from '@sd/core'
import type { Member } from '../member.ts'
import type { PickOptions } from '../pick.ts'

/** Members side by side: adding, removing and drawing one cost the same for any number. */
export class MemberList {
  readonly members: Member[] = []

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

  /** One that suits, each as likely as the next: looks at all, for when few suit. */
  drawSuitable(request: PickOptions, random: Random): Member | undefined {
    let drawn: Member | undefined
    let seen = 0
    for (const member of this.members) {
      if (!member.suits(request)) continue
      seen += 1
      if (random.next() * seen < 1) drawn = member
    }
    return drawn
  }
}
