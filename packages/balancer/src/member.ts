import type { ServiceInstance } from '@sd/core'
import type { Outcome, PickOptions } from './pick.ts'
import type { CallCounts } from './outlier/call-counts.ts'

/** The scheme of an endpoint, in lower case, without the colon. */
const schemeOf = (endpoint: string): string =>
  endpoint.slice(0, Math.max(0, endpoint.indexOf(':'))).toLowerCase()

/**
 * Why the record of an instance excludes it from calls, as errors say it; `undefined` if it takes
 * calls. No other code decides this, except that `Panic` decides whether the health counts.
 */
export const refusalOf = ({ weight, endpoints }: ServiceInstance): string | undefined => {
  if (weight === 0) return 'drained (weight 0)'
  // records of other programs may lack endpoints
  if (endpoints.length === 0) return 'without any endpoint'
  return undefined
}

/** Called when a call ends. */
interface Settles {
  settle(member: Member, outcome: Outcome | undefined, startedMs: number): void
}

/** An algorithm that picks among its members. A member is in at most one strategy, its `home`. */
export interface Strategy {
  /** Whether it uses time. If not, it gets `nowMs` and `latencyMs` as 0. */
  readonly timed: boolean
  /** How many members it has. */
  readonly size: number
  add(member: Member): void
  /** Expects `member.weight` as `add` or the last `reweigh` saw it. */
  remove(member: Member): void
  /** `member.weight` or `member.warmth` has changed; the weight was `before`. */
  reweigh(member: Member, before: number): void
  /**
   * A member that suits the request; `undefined` if none does. The caller increments `inFlight`.
   */
  pick(request: PickOptions | undefined, nowMs: number): Member | undefined
  /** A call to one of its members has ended; `member.inFlight` no longer counts it. */
  settled(member: Member, nowMs: number, latencyMs: number, failed: boolean): void
}

/** One instance, and what a picker knows about it. */
export class Member {
  // fields used by each pick and its end come first: with many members any other costs a cache miss
  instance: ServiceInstance
  #endpoint: string | undefined
  readonly picker: Settles
  /** Calls that were picked and have not ended. */
  inFlight = 0
  /** The strategy that may pick it; `undefined` while none may. */
  home: Strategy | undefined
  /** Its place in that strategy. */
  index = -1
  /** The factor on its weight during slow start, 0…1. */
  warmth = 1
  readonly id: string
  /** The instance's weight × warmth. */
  weight: number
  /** Why its record or a filter excludes the instance; `undefined` if it is a candidate. */
  refusal: string | undefined
  /** It is neither refused nor outside the subset. */
  wanted = false
  /** It has been wanted at some time. */
  started = false
  /**
   * Whether it may be picked as far as health and ejection decide. `undefined` while something else
   * excludes it.
   */
  standing: 'well' | 'unwell' | 'draining' | undefined
  /** The caller of `suspend` excludes it. */
  suspended = false
  /** Its latency expected by peak EWMA at `costAtMs`, while it is in no strategy; 0: unknown. */
  costMs = 0
  costAtMs = 0
  /** Until this time peak EWMA averages in a slow answer. */
  lenientUntilMs = 0
  /** Its rank in the subset, lowest first. */
  rank = 0
  /** Results of its calls, with outlier detection on. */
  counts: CallCounts | undefined
  #schemes: readonly string[] | undefined

  constructor(instance: ServiceInstance, picker: Settles) {
    this.instance = instance
    this.#endpoint = instance.endpoints[0]
    this.picker = picker
    this.id = instance.id
    this.weight = instance.weight
  }

  /** Applies a change of the instance. */
  replace(instance: ServiceInstance): void {
    this.instance = instance
    this.#endpoint = instance.endpoints[0]
    this.#schemes = undefined
  }

  /** Whether its record says that it fails, or names a health of a later version. */
  get failing(): boolean {
    const { health } = this.instance
    return health !== 'passing' && health !== 'draining'
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

  /** Whether this pick may use the member. */
  suits({ exclude, scheme }: PickOptions): boolean {
    if (exclude !== undefined && exclude.has(this.id)) return false
    return scheme === undefined || this.endpointWith(scheme) !== undefined
  }
}
