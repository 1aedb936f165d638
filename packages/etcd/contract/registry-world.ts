import { type InstanceInput, type Logger, Registry, type RegistryOptions } from '@sd/core'
import { createDriverContext, type Random } from '@sd/core/driver'
import { eventually } from '@sd/contract-tests'
import type { Server } from '@sd/test-servers'
import { etcd, type EtcdConfig } from '../src/index.ts'
import { Told } from './told.ts'

/** Of every registry in these tests, in milliseconds. */
export const ttlMs = 2_000
/** The cap of their backoff. */
export const capMs = 1_000
/** What a loaded machine may add to a bound before a test fails. */
export const slackMs = 3_000
/** What etcd may add to a ttl: it looks for expired leases every 500 ms. */
export const graceMs = 1_000

export const clientOf = (server: Server | undefined): string => server?.endpoints['client'] ?? ''

export const instance = (id: string, rest: Partial<InstanceInput> = {}): InstanceInput => ({
  service: 'orders',
  id,
  endpoints: ['http://10.0.0.7:8080'],
  ...rest,
})

/** `prefix0`, `prefix1`, … */
export const ids = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`)

/** Real randomness, but each lane of a driver begins with the first of its endpoints. */
export const firstEndpointFirst = (): Random => {
  const { random } = createDriverContext()
  let lanes = 3
  return { next: () => (lanes-- > 0 ? 0 : random.next()), id: (length) => random.id(length) }
}

/** Randomness without chance: heartbeats are sent exactly ttl/4 apart. */
export const inStep = (): Random => {
  const { random } = createDriverContext()
  return { next: () => 0.5, id: (length) => random.id(length) }
}

/** Which transitions were logged, in order: `session-live`, `watch-resync`. */
export type Log = string[]

/** One test's registries and watchers on a namespace of its own; disposing checks what was told. */
export class RegistryWorld implements AsyncDisposable {
  static #made = 0
  readonly namespace = `world-${process.pid}-${RegistryWorld.#made++}`
  readonly #registries: Registry[] = []
  readonly #told: Told[] = []

  /** A registry over `host:port` endpoints. */
  registry(
    endpoints: readonly string[],
    options: RegistryOptions = {},
    config: Partial<EtcdConfig> = {},
  ): Registry {
    const driver = etcd({
      endpoints: endpoints.map((host) => `http://${host}`),
      namespace: this.namespace,
      ...config,
    })
    const registry = new Registry(driver, {
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

/** A logger that keeps the names of the events only. */
export const logInto = (log: Log): Logger => {
  const note = (details: object): void => {
    log.push((details as { event?: string }).event ?? '')
  }
  return { debug: note, info: note, warn: note, error: note }
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
