import type { Registry, RegistryOptions } from '@sd/core'
import { createDriverContext, type Random } from '@sd/core/driver'
import { type Follower, TestWorld } from '@sd/contract-tests/world'
import { zookeeper, type ZooKeeperConfig } from '../src/index.ts'
import { clientTls } from './test-tls.ts'

/** The ttl of every registry in these tests. */
export const ttlMs = 2_000
/** The cap of their backoff. */
export const capMs = 1_000
/** Added to every bound for loaded machines. */
export const slackMs = 3_000
/** The time that ZooKeeper may add to a ttl: it rounds up to its next tick, of 500 ms here. */
export const graceMs = 1_000

/** Real randomness, except that every client begins with the first of its three hosts. */
export const firstHostFirst = (): Random => {
  const { random } = createDriverContext()
  return { next: () => random.next() / 3, id: (length) => random.id(length) }
}

/** Registries over ZooKeeper, and their watchers; disposing checks the delivered events. */
export class RegistryWorld extends TestWorld {
  constructor() {
    super({ ttlMs, capMs })
  }

  registry(
    hosts: readonly string[],
    options: RegistryOptions = {},
    config: Partial<ZooKeeperConfig> = {},
  ): Registry {
    return this.open(
      zookeeper({ ...clientTls, hosts, namespace: this.namespace, ...config }),
      options,
    )
  }

  told(registry: Registry): Follower {
    return this.follow(registry)
  }
}
