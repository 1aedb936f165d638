import type { DriverContext, DriverFactory, RegistryDriver } from '@sd/core/driver'
import { memory, type MemoryStore } from '@sd/memory'

/** What a third party's backend might take. */
export interface TheirConfig {
  readonly namespace?: string
  readonly store?: MemoryStore | string
}

/** A backend that is not ours: it only happens to keep its records where ours does. */
export const theirBackend = ({ namespace, store }: TheirConfig = {}): DriverFactory => {
  const factory = memory({ namespace, store })
  return (context: DriverContext): RegistryDriver => {
    const driver = factory(context)
    return {
      backend: 'theirs',
      capabilities: { ...driver.capabilities, maxBatch: 16 },
      openSession: (options, signal) => driver.openSession(options, signal),
      list: (scope, signal) => driver.list(scope, signal),
      observe: (scope, cursor, signal) => driver.observe(scope, cursor, signal),
      probe: (signal) => driver.probe(signal),
      [Symbol.asyncDispose]: () => driver[Symbol.asyncDispose](),
    }
  }
}
