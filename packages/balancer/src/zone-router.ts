import type { Chance } from './chance.ts'
import { hash32 } from './hash.ts'
import type { Member, Strategy } from './member.ts'
import type { PickOptions } from './pick.ts'

/** The members of one zone, or those without a zone. */
interface Group {
  readonly zone: string | undefined
  readonly strategy: Strategy
  weight: number
  /** Its share of the calls. */
  share: number
}

/** Keys use one hash for the zone and another for the place in it. */
const zoneSeed = 0x2c1b3c6d

/**
 * Keeps calls in the local zone as far as its capacity allows, and sends the rest to zones with
 * spare capacity. After Envoy's zone aware routing. Where clients are is rarely known, so they are
 * assumed to be spread evenly over the zones. Then each zone makes 1/zones of all calls:
 *
 *   local share = min(1, local weight · zones ÷ total weight)
 *   the rest in proportion to max(0, weight of the zone ÷ total weight − 1 ÷ zones)
 *
 * Instances without a zone receive only calls beyond the local capacity. Zones are ignored while
 * there are fewer instances than `minInstances`. A key keeps its zone while the shares do not
 * change.
 */
export class ZoneRouter implements Strategy {
  readonly timed: boolean
  readonly #local: string
  readonly #minInstances: number
  readonly #random: Chance
  readonly #create: () => Strategy
  readonly #groups = new Map<string | undefined, Group>()
  /** The local zone first. Rebuilt on the next read after a change. */
  #order: readonly Group[] | undefined
  #size = 0

  constructor(local: string, minInstances: number, random: Chance, create: () => Strategy) {
    this.#local = local
    this.#minInstances = minInstances
    this.#random = random
    this.#create = create
    this.timed = create().timed
  }

  get size(): number {
    return this.#size
  }

  add(member: Member): void {
    const { zone } = member.instance
    let group = this.#groups.get(zone)
    if (group === undefined) {
      group = { zone, strategy: this.#create(), weight: 0, share: 0 }
      this.#groups.set(zone, group)
    }
    group.strategy.add(member)
    group.weight += member.weight
    this.#size += 1
    this.#order = undefined
  }

  remove(member: Member): void {
    const group = this.#groups.get(member.instance.zone)
    if (group === undefined) return
    group.strategy.remove(member)
    group.weight -= member.weight
    if (group.strategy.size === 0) this.#groups.delete(group.zone)
    this.#size -= 1
    this.#order = undefined
  }

  reweigh(member: Member, before: number): void {
    const group = this.#groups.get(member.instance.zone)
    if (group === undefined) return
    group.strategy.reweigh(member, before)
    group.weight += member.weight - before
    this.#order = undefined
  }

  pick(request: PickOptions | undefined, nowMs: number): Member | undefined {
    this.#order ??= this.#shareOut()
    const order = this.#order
    if (order.length === 1) return order[0]?.strategy.pick(request, nowMs)
    const chosen = this.#choose(order, request?.key)
    const member = chosen?.strategy.pick(request, nowMs)
    if (member !== undefined) return member
    // no member of that zone suits: tries the others, the local zone first
    for (const group of order) {
      const other = group === chosen ? undefined : group.strategy.pick(request, nowMs)
      if (other !== undefined) return other
    }
    return undefined
  }

  settled(): void {}

  #choose(order: readonly Group[], key: string | undefined): Group | undefined {
    let rest = key === undefined ? this.#random.next() : hash32(key, zoneSeed) / 2 ** 32
    for (const group of order) {
      if (rest < group.share) return group
      rest -= group.share
    }
    // rounding may leave none
    return order.findLast(({ share }) => share > 0)
  }

  #shareOut(): readonly Group[] {
    const groups = [...this.#groups.values()]
    const total = groups.reduce((sum, { weight }) => sum + weight, 0)
    const zones = new Set(this.#groups.keys()).add(this.#local)
    zones.delete(undefined)
    const local = this.#groups.get(this.#local)
    if (this.#size < this.#minInstances)
      for (const group of groups) group.share = group.weight / total
    else {
      const localShare = Math.min(1, ((local?.weight ?? 0) * zones.size) / total)
      const spare = (group: Group): number => {
        if (group === local) return 0
        const own = group.zone === undefined ? 0 : 1 / zones.size
        return Math.max(0, group.weight / total - own)
      }
      const allSpare = groups.reduce((sum, group) => sum + spare(group), 0)
      for (const group of groups)
        group.share = allSpare === 0 ? 0 : ((1 - localShare) * spare(group)) / allSpare
      if (local !== undefined) local.share = localShare
    }
    const others = groups.filter((group) => group !== local)
    others.sort((a, b) => b.share - a.share)
    return local === undefined ? others : [local, ...others]
  }
}
