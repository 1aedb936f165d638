import type { Pick, PickOptions } from '@sd/balancer'
import type { CallRequest } from './dispatcher-options.ts'
import { headerValue } from './host-header.ts'
import type { ServiceRoute } from './service-route.ts'

const byScheme: Readonly<Record<'http' | 'https', PickOptions>> = {
  http: { scheme: 'http' },
  https: { scheme: 'https' },
}

/** Picks the instances of one call. Each try goes to another one while there is one. */
export class InstanceChoice {
  readonly #route: ServiceRoute
  readonly #options: PickOptions
  /** Ids that were tried. */
  #tried: Set<string> | undefined
  /** Ids of tried instances that could not be reached. */
  #unreached: Set<string> | undefined

  constructor(route: ServiceRoute, scheme: 'http' | 'https', request: CallRequest) {
    this.#route = route
    const { key } = route.settings
    const base = byScheme[scheme]
    if (key === undefined) this.#options = base
    else
      this.#options = {
        ...base,
        key:
          typeof key === 'string'
            ? headerValue(request.headers, key)
            : key({
                service: request.service,
                method: request.method,
                path: request.path,
                headers: request.headers,
              }),
      }
  }

  /** How many instances could not be reached. */
  get unreachedSize(): number {
    return this.#unreached?.size ?? 0
  }

  /** Records a try; `unreached`: it could not connect to the instance. */
  tried(id: string, unreached: boolean): void {
    ;(this.#tried ??= new Set()).add(id)
    if (unreached) (this.#unreached ??= new Set()).add(id)
  }

  /**
   * Picks an instance that was not tried yet. `again`: if none is left, accepts one that was
   * reached, as it may only have closed an idle connection.
   * @throws RegistryError `unavailable`, `closed`
   */
  pick(again: boolean): Pick {
    if (this.#tried === undefined) return this.#route.pick(this.#options)
    try {
      return this.#route.pick({ ...this.#options, exclude: this.#tried })
    } catch (error) {
      if (!again) throw error
      return this.#route.pick({ ...this.#options, exclude: this.#unreached })
    }
  }

  /** Picks an untried instance other than `id`, if there is one and the budget allows a retry. */
  another(id: string): Pick | undefined {
    let pick: Pick
    try {
      const exclude = new Set(this.#tried).add(id)
      pick = this.#route.pick({ ...this.#options, exclude })
    } catch {
      return undefined
    }
    if (this.#route.budget.withdraw()) return pick
    pick.done()
    return undefined
  }
}
