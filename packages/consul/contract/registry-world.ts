import type { Registry, RegistryOptions } from '@sd/core'
import { type Follower, TestWorld } from '@sd/contract-tests/world'
import { consul } from '../src/index.ts'

/** The ttl of every registry in these tests. */
export const ttlMs = 3_000
/** The cap of their backoff. */
export const capMs = 1_000
/** Added to every bound for loaded machines. */
export const slackMs = 3_000
/** A check lives a second longer than the ttl, and the agent updates the catalog afterwards. */
export const graceMs = 1_500

/** The events of a watcher, each checked against the earlier ones. */
export interface Told extends Pick<Follower, 'watcher' | 'sees'> {
  /** The removed ids, in order. */
  readonly removed: readonly string[]
}

/** Registries over Consul, and their watchers; disposing checks the delivered events. */
export class RegistryWorld extends TestWorld {
  constructor() {
    super({ ttlMs, capMs })
  }

  /** A registry at the agent at `host:port`. */
  registry(host: string, options: RegistryOptions = {}): Registry {
    return this.open(consul({ endpoint: `http://${host}`, namespace: this.namespace }), options)
  }

  told(registry: Registry): Told {
    const follower = this.follow(registry)
    return {
      watcher: follower.watcher,
      sees: (ids, deadlineMs) => follower.sees(ids, deadlineMs),
      get removed() {
        return follower.changes.flatMap(({ type, instance }) =>
          type === 'removed' ? [instance.id] : [],
        )
      },
    }
  }
}
