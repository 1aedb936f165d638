import type { Member } from '../member.ts'
import type { PickOptions } from '../pick.ts'
import { ListStrategy } from './list-strategy.ts'

/**
 * Picks members in turn, from a random start, so that clients that start together do not stay in
 * step. Ignores weights other than 0. During slow start a member is skipped in proportion to its
 * missing warmth.
 */
export class RoundRobin extends ListStrategy {
  #next = -1

  pick(request: PickOptions | undefined): Member | undefined {
    const { members } = this
    let next = this.#next
    if (next < 0) next = Math.floor(this.random.next() * members.length)
    let cold: Member | undefined
    for (let tries = members.length; tries > 0; tries -= 1) {
      if (next >= members.length) next = 0
      const member = members[next]!
      next += 1
      if (request !== undefined && !member.suits(request)) continue
      if (member.warmth === 1 || this.random.next() < member.warmth) {
        this.#next = next
        return member
      }
      cold ??= member
    }
    this.#next = next
    return cold
  }
}
