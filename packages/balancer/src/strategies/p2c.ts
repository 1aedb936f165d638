import type { Member } from '../member.ts'
import type { PickOptions } from '../pick.ts'
import { WeightedStrategy } from './weighted-strategy.ts'

/**
 * The power of two choices: draws two in proportion to their weights, and takes the one with fewer
 * calls in flight relative to its weight. A tie goes to the first, so that without load the shares
 * equal the weights.
 * M. Mitzenmacher, "The power of two choices in randomized load balancing", IEEE TPDS 12(10), 2001.
 */
export class P2c extends WeightedStrategy {
  readonly timed = false

  pick(request: PickOptions | undefined): Member | undefined {
    const one = this.draw(request)
    if (one < 0) return undefined
    const other = this.drawOther(one, request)
    const { inFlight } = this
    const fewer = this.even
      ? inFlight[one]! <= inFlight[other]!
      : inFlight[one]! * this.weightAt(other) <= inFlight[other]! * this.weightAt(one)
    const place = fewer ? one : other
    inFlight[place]! += 1
    return this.members[place]
  }

  settled(member: Member): void {
    this.inFlight[member.index]! -= 1
  }
}
