import type { Registry, RegistryOptions } from '@sd/core'
import { createDriverContext, type Random } from '@sd/core/driver'
import { TestWorld } from '@sd/contract-tests/world'
import type { Server } from '@sd/contract-tests/servers'
import { etcd, type EtcdConfig } from '../src/index.ts'

/** The ttl of every registry in these tests. */
export const ttlMs = 2_000
/** The cap of their backoff. */
export const capMs = 1_000
/** Added to every bound for loaded machines. */
export const slackMs = 3_000
/** The time that etcd may add to a ttl: it looks for expired leases every 500 ms. */
export const graceMs = 1_000

export const clientOf = (server: Server | undefined): string => server?.endpoints['client'] ?? ''

/** Real randomness, except that each connection of a driver begins with its first endpoint. */
export const firstEndpointFirst = (): Random => {
  const { random } = createDriverContext()
  let connections = 3
  return { next: () => (connections-- > 0 ? 0 : random.next()), id: (length) => random.id(length) }
}

/** A constant in place of randomness: heartbeats are sent exactly ttl/4 apart. */
export const inStep = (): Random => {
  const { random } = createDriverContext()
  return { next: () => 0.5, id: (length) => random.id(length) }
}

/** Registries over etcd, and their watchers; disposing checks the delivered events. */
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

  /** A registry over `host:port` endpoints with TLS. */
  secure(endpoints: readonly string[], tls: NonNullable<EtcdConfig['tls']>): Registry {
    const urls = endpoints.map((host) => `https://${host}`)
    return this.open(etcd({ endpoints: urls, namespace: this.namespace, tls }))
  }
}
