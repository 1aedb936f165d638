import type { Clock } from '@sd/core'
import type { Chance } from '../chance.ts'
import type { Member } from '../member.ts'
import type { PickOptions } from '../pick.ts'
import { WeightedStrategy } from './weighted-strategy.ts'

/**
 * Exceeds any latency in ms: a member with unknown latency and a call in flight waits for its
 * answer.
 */
const penalty = 1e12
/** How many peers the median is taken over, at most. */
const maxPeers = 31

/**
 * The power of two choices over expected latency. Each member has a moving average of its latencies
 * that rises immediately with a slow answer and decays with time (w = e^(−Δt/τ), τ = `decayMs`,
 * also on reading). Load = cost × (1 + in flight, divided by the weight in units of the mean
 * weight). After Finagle's PeakEwma.scala (τ 10 s). Here the two are drawn in proportion to their
 * weights, so that without load the shares equal the weights.
 *
 * A new member starts at the median of its peers, and a slow answer in its first τ is averaged in:
 * with cost 0 it would get every call until its first answer, and then one slow answer would starve
 * it. A failed call never lowers the cost, so that failing fast does not attract calls.
 */
export class PeakEwma extends WeightedStrategy {
  readonly timed = true
  readonly #clock: Clock
  readonly #decayMs: number
  /** By place, as of the matching time in `#costsAtMs`; 0: unknown. */
  #costsMs = new Float64Array(16)
  #costsAtMs = new Float64Array(16)

  constructor(random: Chance, clock: Clock, decayMs: number) {
    super(random)
    this.#clock = clock
    this.#decayMs = decayMs
  }

  override add(member: Member): void {
    if (member.costMs === 0) {
      const nowMs = this.#clock.monotonicMs()
      member.costMs = this.#medianMs(nowMs)
      member.costAtMs = nowMs
      if (member.costMs > 0) member.lenientUntilMs = nowMs + this.#decayMs
    }
    super.add(member)
    if (member.index === this.#costsMs.length) this.#grow()
    this.#costsMs[member.index] = member.costMs
    this.#costsAtMs[member.index] = member.costAtMs
  }

  override remove(member: Member): void {
    const place = member.index
    const last = this.members.length - 1
    // an ejected or suspended member may return
    member.costMs = this.#costsMs[place]!
    member.costAtMs = this.#costsAtMs[place]!
    this.#costsMs[place] = this.#costsMs[last]!
    this.#costsAtMs[place] = this.#costsAtMs[last]!
    super.remove(member)
  }

  pick(request: PickOptions | undefined, nowMs: number): Member | undefined {
    const one = this.draw(request)
    if (one < 0) return undefined
    const other = this.drawOther(one, request)
    const less = other === one || this.#load(one, nowMs) <= this.#load(other, nowMs)
    const place = less ? one : other
    this.inFlight[place]! += 1
    return this.members[place]
  }

  settled(member: Member, nowMs: number, latencyMs: number, failed: boolean): void {
    const place = member.index
    this.inFlight[place]! -= 1
    const before = this.#costsMs[place]!
    // `cost` already includes the factor `kept` of the moving average
    const kept = Math.exp((this.#costsAtMs[place]! - nowMs) / this.#decayMs)
    const cost = before * kept
    const seen = failed ? Math.max(latencyMs, cost) : latencyMs
    const peaks = seen > cost && nowMs >= member.lenientUntilMs && member.warmth === 1
    this.#costsMs[place] = before === 0 || peaks ? seen : cost + seen * (1 - kept)
    this.#costsAtMs[place] = nowMs
  }

  #costAt(place: number, nowMs: number): number {
    return this.#costsMs[place]! * Math.exp((this.#costsAtMs[place]! - nowMs) / this.#decayMs)
  }

  #load(place: number, nowMs: number): number {
    const calls = this.inFlight[place]!
    const pending = this.even ? calls : (calls * this.meanWeight) / this.weightAt(place)
    if (pending > 0 && this.#costsMs[place] === 0) return penalty + pending
    return this.#costAt(place, nowMs) * (1 + pending)
  }

  /** The median cost of some peers; 0 while none is known. */
  #medianMs(nowMs: number): number {
    const { length } = this.members
    const costs: number[] = []
    const first = Math.floor(this.random.next() * length)
    const stride = Math.max(1, Math.floor(length / maxPeers))
    for (let peer = 0; peer < Math.min(maxPeers, length); peer += 1) {
      const cost = this.#costAt((first + peer * stride) % length, nowMs)
      if (cost > 0) costs.push(cost)
    }
    return costs.toSorted((a, b) => a - b)[costs.length >> 1] ?? 0
  }

  #grow(): void {
    const [costs, times] = [this.#costsMs, this.#costsAtMs]
    this.#costsMs = new Float64Array(costs.length * 2)
    this.#costsMs.set(costs)
    this.#costsAtMs = new Float64Array(times.length * 2)
    this.#costsAtMs.set(times)
  }
}
