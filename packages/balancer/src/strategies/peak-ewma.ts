import type { Clock } from '@sd/core'
import type { Chance } from '../chance.ts'
import type { Member, Strategy } from '../member.ts'
import type { PickOptions } from '../pick.ts'
import { WeightedList } from './weighted-list.ts'

/** Larger than any latency in ms: what is unknown and already asked waits for its first answer. */
const penalty = 1e12
/** Peers that are looked at for the median. */
const maxPeers = 31

/**
 * The power of two choices over expected latency: each member has a moving average of its
 * latencies that a slow answer raises at once and time lowers (w = e^(−Δt/τ), τ = `decayMs`, also on
 * reading). Load = cost × (1 + in flight, divided by the weight in units of the mean weight).
 * After Finagle's PeakEwma.scala (τ 10 s). Here the two are drawn in proportion to their weights,
 * so that without load the shares are those of the weights.
 *
 * A joiner starts at the median of its peers, and for its first τ a slow answer is averaged in:
 * at cost 0 it would get every call until its first answer, and one cold answer would starve it.
 * A failed call never lowers the cost: failing fast must not attract calls.
 */
export class PeakEwma implements Strategy {
  readonly timed = true
  readonly #list: WeightedList
  readonly #random: Chance
  readonly #clock: Clock
  readonly #decayMs: number

  constructor(random: Chance, clock: Clock, decayMs: number) {
    this.#list = new WeightedList(random)
    this.#random = random
    this.#clock = clock
    this.#decayMs = decayMs
  }

  get size(): number {
    return this.#list.members.length
  }

  add(member: Member): void {
    if (member.costMs === 0) {
      const nowMs = this.#clock.monotonicMs()
      member.costMs = this.#medianMs(nowMs)
      member.costAtMs = nowMs
      if (member.costMs > 0) member.lenientUntilMs = nowMs + this.#decayMs
    }
    member.home = this
    this.#list.add(member)
  }

  remove(member: Member): void {
    this.#list.remove(member)
    member.home = undefined
  }

  reweigh(member: Member): void {
    this.#list.reweigh(member)
  }

  pick(request: PickOptions | undefined, nowMs: number): Member | undefined {
    const one = this.#list.draw(request)
    if (one === undefined) return undefined
    const other = request === undefined ? this.#list.another(one) : this.#list.draw(request)
    if (other === undefined || other === one) return one
    const mean = this.#list.meanWeight
    return this.#load(one, mean, nowMs) <= this.#load(other, mean, nowMs) ? one : other
  }

  settled(member: Member, nowMs: number, latencyMs: number, failed: boolean): void {
    const cost = this.#decayed(member, nowMs)
    const seen = failed ? Math.max(latencyMs, cost) : latencyMs
    const peaks = nowMs >= member.lenientUntilMs && member.warmth === 1
    if (member.costMs === 0 || (seen > cost && peaks)) member.costMs = seen
    else {
      // what was decayed on reading has its share of the average already
      const kept = Math.exp((member.costAtMs - nowMs) / this.#decayMs)
      member.costMs = member.costMs * kept + seen * (1 - kept)
    }
    member.costAtMs = nowMs
  }

  #decayed(member: Member, nowMs: number): number {
    return member.costMs * Math.exp((member.costAtMs - nowMs) / this.#decayMs)
  }

  #load(member: Member, meanWeight: number, nowMs: number): number {
    const pending = (member.inFlight * meanWeight) / member.weight
    if (member.costMs === 0 && pending > 0) return penalty + pending
    return this.#decayed(member, nowMs) * (1 + pending)
  }

  /** The middle cost of some peers; 0 while none is known. */
  #medianMs(nowMs: number): number {
    const { members } = this.#list
    const costs: number[] = []
    const count = Math.min(maxPeers, members.length)
    const first = Math.floor(this.#random.next() * members.length)
    const stride = Math.max(1, Math.floor(members.length / maxPeers))
    for (let index = 0; index < count; index += 1) {
      const peer = members[(first + index * stride) % members.length]
      if (peer !== undefined && peer.costMs > 0) costs.push(this.#decayed(peer, nowMs))
    }
    return costs.toSorted((a, b) => a - b)[costs.length >> 1] ?? 0
  }
}
