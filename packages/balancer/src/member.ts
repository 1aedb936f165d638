import type { ServiceInstance } from '@sd/core'
import type { Outcome, PickOptions } from './pick.ts'
import type { CallCounts } from './outlier/call-counts.ts'

/** The scheme of an endpoint, in lower case, without the colon. */
const schemeOf = (endpoint: string): string =>
  endpoint.slice(0, Math.max(0, endpoint.indexOf(':'))).toLowerCase()

/** Told when a call ends. */
interface Settles {
  settle(member: Member, outcome: Outcome | undefined, startedMs: number): void
}

/** An algorithm that picks among its members. A member is in one strategy at most, its `home`. */
export interface Strategy {
  /** Whether it uses time: else `nowMs` and `latencyMs` are 0. */
  readonly timed: boolean
  /** How many members it has. */
  readonly size: number
  add(member: Member): void
  /** `member.weight` is what `add` or the last `reweigh` saw. */
  remove(member: Member): void
  /** `member.weight` or `member.warmth` has changed; the weight was `before`. */
  reweigh(member: Member, before: number): void
  /** A member that suits the request; `undefined` when none does. The caller counts it in flight. */
  pick(request: PickOptions | undefined, nowMs: number): Member | undefined
  /** A call to one of its members has ended; `member.inFlight` no longer counts it. */
  settled(member: Member, nowMs: number, latencyMs: number, failed: boolean): void
}

/** One instance, and what a picker knows about it. */
export class Member {
  // what a pick and its end touch stands together, first: among many members all else is a cache miss
  instance: ServiceInstance
  #endpoint: string | undefined
  readonly picker: Settles
  /** Calls that were picked and have not ended. */
  inFlight = 0
  /** The strategy that may pick it; `undefined` while none may. */
  home: Strategy | undefined
  /** Its place in that strategy. */
  index = -1
  /** The share of its weight that it has while it starts slowly, 0…1. */
  warmth = 1
  readonly id: string
  /** The instance's weight × warmth. */
  weight: number
  /** Why the instance is no candidate by its own word or by a filter; `undefined`: it is one. */
  refusal: string | undefined
  /** It is neither refused nor outside the subset. */
  wanted = false
  /** It was wanted before. */
  started = false
  /** The caller holds it back. */
  suspended = false
  /** What peak EWMA expects of it, at `costAtMs`, while it is in no strategy; 0: unknown. */
  costMs = 0
  costAtMs = 0
  /** Until then peak EWMA averages in a slow answer. */
  lenientUntilMs = 0
  /** Its rank in the subset: smaller is nearer. */
  rank = 0
  /** How its calls ended, while outliers are looked for. */
  counts: CallCounts | undefined
  #schemes: readonly string[] | undefined

  constructor(instance: ServiceInstance, picker: Settles) {
    this.instance = instance
    this.#endpoint = instance.endpoints[0]
    this.picker = picker
    this.id = instance.id
    this.weight = instance.weight
  }

  /** The instance has changed in place. */
  replace(instance: ServiceInstance): void {
    this.instance = instance
    this.#endpoint = instance.endpoints[0]
    this.#schemes = undefined
  }

  /** The schemes of its endpoints, in their order. */
  get schemes(): readonly string[] {
    this.#schemes ??= this.instance.endpoints.map(schemeOf)
    return this.#schemes
  }

  /** The first endpoint with one of these schemes, in the order of the schemes. */
  endpointWith(scheme: string | readonly string[] | undefined): string | undefined {
    if (scheme === undefined) return this.#endpoint
    const { endpoints } = this.instance
    if (typeof scheme === 'string') return endpoints[this.schemes.indexOf(scheme)]
    for (const one of scheme) {
      const index = this.schemes.indexOf(one)
      if (index >= 0) return endpoints[index]
    }
    return undefined
  }

  /** Whether this pick allows it. */
  suits({ exclude, scheme }: PickOptions): boolean {
    if (exclude !== undefined && exclude.has(this.id)) return false
    return scheme === undefined || this.endpointWith(scheme) !== undefined
  }
}
