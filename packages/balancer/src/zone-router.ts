import type { Chance } from './chance.ts'
import { hash32 } from './hash.ts'
import type { Member, Strategy } from './member.ts'
import type { PickOptions } from './pick.ts'

/** The members of one zone; of those without a zone as well. */
interface Group {
  readonly zone: string | undefined
  readonly strategy: Strategy
  weight: number
  /** Its share of the calls. */
  share: number
}

/** Keys choose their zone by another hash than their place within it. */
const zoneSeed = 0x2c1b3c6d

/**
 * Keeps calls in the local zone as far as its capacity goes, and spills the rest over to zones that
 * have some left. After Envoy's zone aware routing; which clients are where is rarely known, so they
 * are taken to be spread evenly over the zones. Then each zone makes 1/zones of all calls:
 *
 *   local share = min(1, local weight · zones ÷ total weight)
 *   the rest in proportion to max(0, weight of the zone ÷ total weight − 1 ÷ zones)
 *
 * Instances without a zone only take what is spilled. With fewer instances than `minInstances` zones
 * are not looked at. A key always goes to the same zone while the shares stay as they are.
 */
export class ZoneRouter implements Strategy {
  readonly timed: boolean
  readonly #local: string
  readonly #minInstances: number
  readonly #random: Chance
  readonly #create: () => Strategy
  readonly #groups = new Map<string | undefined, Group>()
  /** The local one first; remade when shares are asked for after a change. */
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
    // none of that zone suits: the others, near ones first
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
    // rounding
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
