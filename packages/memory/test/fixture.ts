import {
  type Clock,
  createDriverContext,
  type Cursor,
  type DriverSession,
  type Observation,
  type OwnedRef,
  type PutRequest,
  type RegistryDriver,
  RegistryError,
  type Scope,
} from '@sd/core/driver'
import { ManualClock, settle } from '@sd/contract-tests/world'
import { memory, MemoryStore, type MemoryStoreOptions } from '@sd/memory'
import { MemoryFaults } from '@sd/memory/faults'

export const ttlMs = 10_000
export const never: AbortSignal = new AbortController().signal

export const request = (
  owner: string,
  id = 'a',
  parts: {
    service?: string
    claimedAtMs?: number
    seq?: number
    mode?: PutRequest['mode']
    weight?: number
  } = {},
): PutRequest => ({
  instance: {
    service: parts.service ?? 'orders',
    id,
    endpoints: ['http://10.0.0.7:8080'],
    weight: parts.weight ?? 100,
    health: 'passing',
    tags: [],
    metadata: {},
  },
  claim: { owner, claimedAtMs: parts.claimedAtMs ?? 1, seq: parts.seq ?? 0 },
  mode: parts.mode ?? 'if-newer',
  ttlMs,
  registeredAtMs: 1,
})

export const ref = (owner: string, id = 'a', service = 'orders'): OwnedRef => ({
  service,
  id,
  owner,
})

/** Reads an observation stream in the background. */
export class Recorder {
  readonly seen: Observation[] = []
  error: unknown
  readonly #abort = new AbortController()

  constructor(driver: RegistryDriver, scope: Scope, cursor?: Cursor) {
    void this.#read(driver.observe(scope, cursor, this.#abort.signal))
  }

  /** The observations since the last call. */
  async take(): Promise<readonly Observation[]> {
    await settle()
    return this.seen.splice(0)
  }

  async takeOne(): Promise<Observation> {
    const taken = await this.take()
    if (taken.length !== 1)
      throw new Error(`${taken.length} observations: ${JSON.stringify(taken)}`)
    return taken[0] as Observation
  }

  abort(reason: unknown): void {
    this.#abort.abort(reason)
  }

  async #read(observations: AsyncIterable<Observation>): Promise<void> {
    try {
      for await (const observation of observations) this.seen.push(observation)
    } catch (error) {
      this.error = error
    }
  }
}

/** The ids in an observation. */
export const ids = (observation: Observation): readonly string[] =>
  'records' in observation ? observation.records.map(({ instance }) => instance.id) : []

/** How a promise has settled so far. */
export const outcomeOf = async (promise: Promise<unknown>): Promise<unknown> => {
  let outcome: unknown = 'pending'
  const follow = async (): Promise<void> => {
    try {
      outcome = (await promise) ?? 'done'
    } catch (error) {
      outcome = error instanceof RegistryError ? error.code : error
    }
  }
  void follow()
  await settle()
  return outcome
}

/** A store with its faults and any number of drivers on one virtual clock. */
export class Fixture {
  readonly clock = new ManualClock()
  readonly store: MemoryStore
  readonly faults: MemoryFaults

  constructor(options: MemoryStoreOptions = {}) {
    this.store = new MemoryStore(options)
    this.faults = new MemoryFaults(this.store)
  }

  driver(namespace?: string, clock: Clock = this.clock): RegistryDriver {
    return memory({ store: this.store, namespace })(createDriverContext({ clock }))
  }

  async session(driver: RegistryDriver = this.driver()): Promise<DriverSession> {
    return driver.openSession({ ttlMs }, never)
  }

  /** The ids of `orders`, as a separate client reads them. */
  async listed(service = 'orders'): Promise<readonly string[]> {
    const { records } = await this.driver().list({ service }, never)
    return records.map(({ instance }) => instance.id)
  }
}
