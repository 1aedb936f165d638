import {
  abortable,
  Channel,
  type Observation,
  type RegistryDriver,
  RegistryError,
  type ServiceInstance,
  toRecordKey,
} from '@sd/core/driver'

const instanceOf = (index: number, weight: number): ServiceInstance => ({
  service: 'orders',
  id: `i${index}`,
  endpoints: [`http://10.0.0.1:${8_000 + index}`],
  weight,
  health: 'passing',
  tags: ['a', 'b'],
  metadata: { commit: 'abc', started: 'today' },
})

const recordOf = (index: number, weight: number) => {
  const instance = instanceOf(index, weight)
  return {
    key: toRecordKey(instance.id),
    instance,
    claim: { owner: 'o', claimedAtMs: 1, seq: weight },
  }
}

/** A driver without a server that only observes, to measure core alone. */
export class Feed {
  readonly #size: number
  readonly #channel = new Channel<Observation>()
  #weight = 0

  constructor(size: number) {
    this.#size = size
  }

  /** One instance in the middle changes. */
  change(): void {
    this.#weight = (this.#weight + 1) % 60_000
    const records = [recordOf(this.#size >> 1, this.#weight + 1)]
    this.#channel.push({ type: 'changes', records, removed: [], skipped: [] })
  }

  driver(): RegistryDriver {
    const refuse = (operation: string): Promise<never> =>
      Promise.reject(
        new RegistryError('unsupported', { backend: 'feed', operation, message: 'only observes' }),
      )
    const channel = this.#channel
    const size = this.#size
    return {
      backend: 'feed',
      capabilities: {
        list: 'linearizable',
        atomicClaim: true,
        resume: true,
        deltas: true,
        tls: false,
        minTtlMs: 1,
        maxBatch: 1,
        maxRecordBytes: 1_000,
      },
      openSession: () => refuse('openSession'),
      list: () => refuse('list'),
      probe: () => Promise.resolve(),
      async *observe(_scope, _cursor, signal) {
        const records = Array.from({ length: size }, (_, index) => recordOf(index, 0))
        yield { type: 'snapshot', records, skipped: [] }
        for (;;) {
          const { value } = await abortable(channel.next(), signal)
          yield value as Observation
        }
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }
  }
}
