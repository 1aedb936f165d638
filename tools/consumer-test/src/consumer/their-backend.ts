import { type DriverFactory, wrapDriver } from '@sd/core/driver'
import { memory, type MemoryStore } from '@sd/memory'

/** What a third party's backend might take. */
export interface TheirConfig {
  readonly namespace?: string
  readonly store?: MemoryStore | string
}

/** A backend that is not ours: it only happens to keep its records where ours does. */
export const theirBackend = ({ namespace, store }: TheirConfig = {}): DriverFactory => {
  const factory = memory({ namespace, store })
  return (context) =>
    wrapDriver(factory(context), { backend: 'theirs', capabilities: { maxBatch: 16 } })
}
