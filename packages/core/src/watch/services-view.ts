import type { Observation } from '../driver/registry-driver.ts'
import type { Touch, Touched, View } from './served-view.ts'
import type { ServiceChange } from './watch-event.ts'

const gone: Touch<string> = { value: undefined, ttlMs: undefined }

/** The names of the services that have an instance. */
export class ServicesView implements View<string, ServiceChange> {
  #names = new Set<string>()

  same(a: string, b: string): boolean {
    return a === b
  }

  toChange(told: string | undefined, served: string | undefined): ServiceChange {
    return served === undefined
      ? { type: 'removed', service: told as string }
      : { type: 'added', service: served }
  }

  apply(observation: Exclude<Observation, { type: 'alive' }>): Touched<string> {
    const touched = new Map<string, Touch<string>>()
    const before = this.#names
    if (observation.type === 'snapshot') {
      this.#names = new Set(observation.services)
      for (const name of before) if (!this.#names.has(name)) touched.set(name, gone)
    } else {
      for (const name of observation.removedServices ?? [])
        if (this.#names.delete(name)) touched.set(name, gone)
    }
    for (const name of observation.services ?? []) {
      if (observation.type === 'changes') {
        if (this.#names.has(name)) continue
        this.#names.add(name)
      } else if (before.has(name)) continue
      touched.set(name, { value: name })
    }
    return touched
  }
}
