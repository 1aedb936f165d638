import { type InstanceInput, Registry, type RegistryOptions, type Watcher } from '@sd/core'
import { eventually } from '@sd/contract-tests'
import { consul } from '../src/index.ts'

/** Of every registry in these tests, in milliseconds. */
export const ttlMs = 3_000
/** The cap of their backoff. */
export const capMs = 1_000
/** What a loaded machine may add to a bound before a test fails. */
export const slackMs = 3_000
/** A check lives a second longer than the ttl, and the agent tells the catalog. */
export const graceMs = 1_500

export const instance = (id: string, rest: Partial<InstanceInput> = {}): InstanceInput => ({
  service: 'orders',
  id,
  endpoints: ['http://10.0.0.7:8080'],
  ...rest,
})

/** What a watcher was told. */
export class Told {
  readonly watcher: Watcher
  readonly removed: string[] = []
  readonly #ended: Promise<void>

  constructor(watcher: Watcher) {
    this.watcher = watcher
    this.#ended = this.#read()
  }

  async sees(ids: readonly string[], deadlineMs: number): Promise<void> {
    const wanted = ids.toSorted().join()
    const seen = (): string =>
      this.watcher.instances
        .map(({ id }) => id)
        .toSorted()
        .join()
    await eventually(`the watcher sees ${wanted}`, deadlineMs, () => seen() === wanted, seen)
  }

  async close(): Promise<void> {
    this.watcher.close()
    await this.#ended
  }

  async #read(): Promise<void> {
    for await (const event of this.watcher)
      if (event.type !== 'stale')
        for (const { type, instance: gone } of event.changes)
          if (type === 'removed') this.removed.push(gone.id)
  }
}

/** One test's registries and watchers on a namespace of its own. */
export class RegistryWorld implements AsyncDisposable {
  static #made = 0
  readonly namespace = `world-${process.pid}-${RegistryWorld.#made++}`
  readonly #registries: Registry[] = []
  readonly #told: Told[] = []

  /** A registry at the agent at `host:port`. */
  registry(host: string, options: RegistryOptions = {}): Registry {
    const registry = new Registry(
      consul({ endpoint: `http://${host}`, namespace: this.namespace }),
      { ttlMs, backoff: { minMs: 50, maxMs: capMs }, ...options },
    )
    this.#registries.push(registry)
    return registry
  }

  told(registry: Registry, service = 'orders'): Told {
    const told = new Told(registry.watch(service))
    this.#told.push(told)
    return told
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#told.map((told) => told.close()))
    await Promise.all(this.#registries.map((registry) => registry.close()))
  }
}

/** Waits until `registry` lists exactly these ids; returns after how many ms. */
export const lists = async (
  registry: Registry,
  ids: readonly string[],
  deadlineMs: number,
): Promise<number> => {
  const wanted = ids.toSorted().join()
  const began = performance.now()
  let seen = ''
  await eventually(
    `it lists ${wanted}`,
    deadlineMs,
    async () => {
      seen = (await registry.list('orders'))
        .map(({ id }) => id)
        .toSorted()
        .join()
      return seen === wanted
    },
    () => seen,
  )
  return performance.now() - began
}

/** For outages, which are about time itself. */
export const pass = (durationMs: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, durationMs))
