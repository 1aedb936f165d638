import { type DriverFactory, wrapDriver } from '@sd/core/driver'
import { memory, type MemoryStore } from '@sd/memory'

/** A possible configuration of a third party's backend. */
export interface TheirConfig {
  readonly namespace?: string
  readonly store?: MemoryStore | string
}

/** A third party's backend, which happens to store its records like `@sd/memory`. */
export const theirBackend = ({ namespace, store }: TheirConfig = {}): DriverFactory => {
  const factory = memory({ namespace, store })
  return (context) =>
    wrapDriver(factory(context), { backend: 'theirs', capabilities: { maxBatch: 16 } })
}
