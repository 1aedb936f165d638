import type { WireFormat } from '@sd/core/driver'
import type { IEvent } from 'etcd3'

/** The services that have a record: a service leaves with its last key. */
export class ServiceNames {
  readonly #format: WireFormat
  readonly #keys = new Map<string, Set<string>>()

  constructor(format: WireFormat) {
    this.#format = format
  }

  get names(): readonly string[] {
    return [...this.#keys.keys()]
  }

  /** Keys are relative to the namespace; those of no service are ignored. */
  add(key: string): void {
    const service = this.#format.serviceOf(key)
    if (service === undefined) return
    const keys = this.#keys.get(service)
    if (keys) keys.add(key)
    else this.#keys.set(service, new Set([key]))
  }

  /** Follows one batch of events, and tells the names that came and went through it as a whole. */
  apply(events: ReadonlyMap<string, Pick<IEvent, 'type'>>): {
    readonly services: readonly string[]
    readonly removedServices: readonly string[]
  } {
    const before = new Map<string, boolean>()
    for (const [key, { type }] of events) {
      const service = this.#format.serviceOf(key)
      if (service === undefined) continue
      if (!before.has(service)) before.set(service, this.#keys.has(service))
      if (type === 'Put') this.add(key)
      else this.#remove(service, key)
    }
    const changed = [...before].filter(([service, was]) => was !== this.#keys.has(service))
    return {
      services: changed.filter(([, was]) => !was).map(([service]) => service),
      removedServices: changed.filter(([, was]) => was).map(([service]) => service),
    }
  }

  #remove(service: string, key: string): void {
    const keys = this.#keys.get(service)
    keys?.delete(key)
    if (keys?.size === 0) this.#keys.delete(service)
  }
}
