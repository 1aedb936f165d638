import type { Chance } from '../chance.ts'
import { hash32 } from '../hash.ts'
import type { Member, Strategy } from '../member.ts'
import type { PickOptions } from '../pick.ts'
import { HashRing } from './hash-ring.ts'

/** The default weight, for which an instance has `points` points. */
const usualWeight = 100
/** Limits the points of an instance, as a multiple of the usual, so that changes stay cheap. */
const mostPoints = 10
/** After this many unsuitable points, all members are searched. */
const maxSteps = 256

/**
 * A key belongs to the next point on a ring, but no member has more than `loadFactor` times its
 * share of the calls in flight: ⌈c·(m+1)·weight ÷ total weight⌉. Calls above that go to the next
 * member on the ring. V. Mirrokni, M. Thorup, M. Zadimoghaddam, "Consistent hashing with bounded
 * loads", 2018. When a member joins or leaves, only its own keys move. Without a key the place on
 * the ring is random.
 *
 * Points are proportional to the weight itself (`points` for weight 100), not to its share of the
 * total, so that a change of one weight moves the keys of one member only.
 */
export class ConsistentHash implements Strategy {
  readonly timed = false
  readonly #random: Chance
  readonly #points: number
  readonly #loadFactor: number
  readonly #ring = new HashRing()
  readonly #members = new Set<Member>()
  #totalWeight = 0
  #inFlight = 0

  constructor(random: Chance, points: number, loadFactor: number) {
    this.#random = random
    this.#points = points
    this.#loadFactor = loadFactor
  }

  get size(): number {
    return this.#members.size
  }

  add(member: Member): void {
    member.home = this
    this.#members.add(member)
    this.#ring.set(member, this.#pointsOf(member))
    this.#totalWeight += member.weight
    this.#inFlight += member.inFlight
  }

  remove(member: Member): void {
    this.#ring.set(member, 0)
    this.#members.delete(member)
    // prevents rounding errors from accumulating
    this.#totalWeight = this.#members.size === 0 ? 0 : this.#totalWeight - member.weight
    this.#inFlight -= member.inFlight
    member.home = undefined
  }

  reweigh(member: Member, before: number): void {
    this.#ring.set(member, this.#pointsOf(member))
    this.#totalWeight += member.weight - before
  }

  pick(request: PickOptions | undefined): Member | undefined {
    if (this.#members.size === 0) return undefined
    const key = request?.key
    const hash = key === undefined ? this.#random.next() * 2 ** 32 : hash32(key)
    const picked = this.#walk(hash, request) ?? this.#search(hash, request)
    if (picked !== undefined) this.#inFlight += 1
    return picked
  }

  settled(): void {
    this.#inFlight -= 1
  }

  #pointsOf({ weight }: Member): number {
    const points = Math.round((this.#points * weight) / usualWeight)
    return Math.min(Math.max(1, points), this.#points * mostPoints)
  }

  #hasRoom(member: Member): boolean {
    const share = member.weight / this.#totalWeight
    return member.inFlight < Math.ceil(this.#loadFactor * (this.#inFlight + 1) * share)
  }

  #walk(hash: number, request: PickOptions | undefined): Member | undefined {
    let place = this.#ring.find(hash)
    const steps = Math.min(maxSteps, this.#ring.size)
    for (let step = 0; step < steps; step += 1) {
      const member = this.#ring.at(place)
      if (member !== undefined && this.#hasRoom(member))
        if (request === undefined || member.suits(request)) return member
      place = this.#ring.after(place)
    }
    return undefined
  }

  /**
   * Searches when few members suit: takes the first by hash of key and member, preferring those
   * with capacity (rendezvous hashing).
   */
  #search(hash: number, request: PickOptions | undefined): Member | undefined {
    let found: Member | undefined
    let best = -1
    for (const member of this.#members) {
      if (request !== undefined && !member.suits(request)) continue
      const score = hash32(member.id, hash) + (this.#hasRoom(member) ? 2 ** 32 : 0)
      if (score > best) [found, best] = [member, score]
    }
    return found
  }
}
