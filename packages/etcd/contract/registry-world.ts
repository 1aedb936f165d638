import type { Logger, Registry, RegistryOptions } from '@sd/core'
import { createDriverContext, type Random } from '@sd/core/driver'
import { TestWorld } from '@sd/contract-tests/world'
import type { Server } from '@sd/contract-tests/servers'
import { etcd, type EtcdConfig } from '../src/index.ts'

/** Of every registry in these tests, in milliseconds. */
export const ttlMs = 2_000
/** The cap of their backoff. */
export const capMs = 1_000
/** What a loaded machine may add to a bound before a test fails. */
export const slackMs = 3_000
/** What etcd may add to a ttl: it looks for expired leases every 500 ms. */
export const graceMs = 1_000

export const clientOf = (server: Server | undefined): string => server?.endpoints['client'] ?? ''

/** Real randomness, but each connection of a driver begins with the first of its endpoints. */
export const firstEndpointFirst = (): Random => {
  const { random } = createDriverContext()
  let connections = 3
  return { next: () => (connections-- > 0 ? 0 : random.next()), id: (length) => random.id(length) }
}

/** Randomness without chance: heartbeats are sent exactly ttl/4 apart. */
export const inStep = (): Random => {
  const { random } = createDriverContext()
  return { next: () => 0.5, id: (length) => random.id(length) }
}

/** Which transitions were logged, in order: `session-live`, `watch-resync`. */
export type Log = string[]

/** Registries over etcd, and their watchers; disposing checks what was told. */
export class RegistryWorld extends TestWorld {
  constructor() {
    super({ ttlMs, capMs })
  }

  /** A registry over `host:port` endpoints. */
  registry(
    endpoints: readonly string[],
    options: RegistryOptions = {},
    config: Partial<EtcdConfig> = {},
  ): Registry {
    const urls = endpoints.map((host) => `http://${host}`)
    return this.open(etcd({ endpoints: urls, namespace: this.namespace, ...config }), options)
  }
}

/** A logger that keeps the names of the events only. */
export const logInto = (log: Log): Logger => {
  const note = (details: object): void => {
    log.push((details as { event?: string }).event ?? '')
  }
  return { debug: note, info: note, warn: note, error: note }
}
