import { type InstanceInput, Registry, type RegistryOptions } from '@sd/core'
import { createDriverContext, type Random } from '@sd/core/driver'
import { eventually } from '@sd/contract-tests'
import { zookeeper, type ZooKeeperConfig } from '../src/index.ts'
import { Told } from './told.ts'

/** Of every registry in these tests, in milliseconds. */
export const ttlMs = 2_000
/** The cap of their backoff. */
export const capMs = 1_000
/** What a loaded machine may add to a bound before a test fails. */
export const slackMs = 3_000
/** What ZooKeeper may add to a ttl: it rounds a session's end up to its next tick, of 500 ms here. */
export const graceMs = 1_000

export const instance = (id: string, rest: Partial<InstanceInput> = {}): InstanceInput => ({
  service: 'orders',
  id,
  endpoints: ['http://10.0.0.7:8080'],
  ...rest,
})

/** `prefix0`, `prefix1`, … */
export const ids = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`)

/** Real randomness, but every client begins with the first of its three hosts. */
export const firstHostFirst = (): Random => {
  const { random } = createDriverContext()
  return { next: () => random.next() / 3, id: (length) => random.id(length) }
}

/** One test's registries and watchers on a namespace of its own; disposing checks what was told. */
export class RegistryWorld implements AsyncDisposable {
  static #made = 0
  readonly namespace = `world-${process.pid}-${RegistryWorld.#made++}`
  readonly #registries: Registry[] = []
  readonly #told: Told[] = []

  registry(
    hosts: readonly string[],
    options: RegistryOptions = {},
    config: Partial<ZooKeeperConfig> = {},
  ): Registry {
    const registry = new Registry(zookeeper({ hosts, namespace: this.namespace, ...config }), {
      ttlMs,
      backoff: { minMs: 50, maxMs: capMs },
      ...options,
    })
    this.#registries.push(registry)
    return registry
  }

  /** All that a watcher of `service` on `registry` tells from now on. */
  told(registry: Registry, service = 'orders'): Told {
    const told = new Told(registry.watch(service))
    this.#told.push(told)
    return told
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const checks = await Promise.allSettled(this.#told.map((told) => told.close()))
    await Promise.all(this.#registries.map((registry) => registry.close()))
    for (const check of checks) if (check.status === 'rejected') throw check.reason
  }
}

/** Waits until `registry` lists exactly these ids; returns after how many ms. */
export const lists = async (
  registry: Registry,
  wanted: readonly string[],
  deadlineMs: number,
  service = 'orders',
): Promise<number> => {
  const expected = wanted.toSorted().join()
  const begin = performance.now()
  let seen: string[] = []
  await eventually(
    `${service} lists ${wanted.slice(0, 20).join()}`,
    deadlineMs,
    async () => {
      seen = (await registry.list(service)).map(({ id }) => id).toSorted()
      return seen.join() === expected
    },
    () => seen.slice(0, 20),
  )
  return performance.now() - begin
}

/** For outages, which are about time itself. */
export const pass = (durationMs: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, durationMs))
