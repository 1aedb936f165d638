import type { WireFormat } from '@sd/core/driver'
import type { WatchEvent } from './client/codec/messages.ts'

/** The services that have a record. The removal of a service's last key removes the service. */
export class ServiceNames {
  readonly #format: WireFormat
  readonly #keys = new Map<string, Set<string>>()

  constructor(format: WireFormat) {
    this.#format = format
  }

  get names(): readonly string[] {
    return [...this.#keys.keys()]
  }

  /** Keys are relative to the namespace; ignores keys that belong to no service. */
  add(key: string): void {
    const service = this.#format.serviceOf(key)
    if (service === undefined) return
    const keys = this.#keys.get(service)
    if (keys) keys.add(key)
    else this.#keys.set(service, new Set([key]))
  }

  /** Applies one batch of events; returns the names that the whole batch added and removed. */
  apply(events: ReadonlyMap<string, Pick<WatchEvent, 'type'>>): {
    readonly services: readonly string[]
    readonly removedServices: readonly string[]
  } {
    const before = new Map<string, boolean>()
    for (const [key, { type }] of events) {
      const service = this.#format.serviceOf(key)
      if (service === undefined) continue
      if (!before.has(service)) before.set(service, this.#keys.has(service))
      if (type === 'put') this.add(key)
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
