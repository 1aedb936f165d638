import type { ServiceInstance } from '@sd/core'
import type { PickOptions } from './pick.ts'
import type { Strategy } from './strategies/strategy.ts'

/** The scheme of an endpoint, in lower case, without the colon. */
const schemeOf = (endpoint: string): string =>
  endpoint.slice(0, Math.max(0, endpoint.indexOf(':'))).toLowerCase()

/** One instance, and what a picker knows about it. */
export class Member {
  readonly id: string
  instance: ServiceInstance
  /** The instance's weight, less while it starts slowly. */
  weight: number
  /** Calls that were picked and have not ended. */
  inFlight = 0
  /** The strategy that may pick it; `undefined` while none may. */
  home: Strategy | undefined
  /** Its place in that strategy. */
  index = -1
  #schemes: readonly string[] | undefined

  constructor(instance: ServiceInstance) {
    this.id = instance.id
    this.instance = instance
    this.weight = instance.weight
  }

  /** The instance has changed in place. */
  replace(instance: ServiceInstance): void {
    this.instance = instance
    this.#schemes = undefined
  }

  /** The first endpoint with one of these schemes, in the order of the schemes. */
  endpointWith(scheme: string | readonly string[] | undefined): string | undefined {
    const { endpoints } = this.instance
    if (scheme === undefined) return endpoints[0]
    this.#schemes ??= endpoints.map(schemeOf)
    if (typeof scheme === 'string') return endpoints[this.#schemes.indexOf(scheme)]
    for (const one of scheme) {
      const index = this.#schemes.indexOf(one)
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
