import type { Member } from '../member.ts'
import type { PickOptions } from '../pick.ts'
import { ListStrategy } from './list-strategy.ts'

/** How often a draw is repeated at most because of slow start. */
const maxDraws = 8

/**
 * Picks all members with equal probability. Ignores weights other than 0. During slow start the
 * probability is multiplied by the warmth.
 */
export class RandomChoice extends ListStrategy {
  pick(request: PickOptions | undefined): Member | undefined {
    let member = this.draw(request)
    for (let draws = 1; draws < maxDraws; draws += 1) {
      if (member === undefined || member.warmth === 1) return member
      if (this.random.next() < member.warmth) return member
      member = this.draw(request)
    }
    return member
  }
}
