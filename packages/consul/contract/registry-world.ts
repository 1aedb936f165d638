import type { Registry, RegistryOptions } from '@sd/core'
import { type Follower, TestWorld } from '@sd/contract-tests/world'
import { consul } from '../src/index.ts'

/** Of every registry in these tests, in milliseconds. */
export const ttlMs = 3_000
/** The cap of their backoff. */
export const capMs = 1_000
/** What a loaded machine may add to a bound before a test fails. */
export const slackMs = 3_000
/** A check lives a second longer than the ttl, and the agent tells the catalog. */
export const graceMs = 1_500

/** What a watcher was told, checked event by event. */
export interface Told extends Pick<Follower, 'watcher' | 'sees'> {
  /** The ids that left, in order. */
  readonly removed: readonly string[]
}

/** Registries over Consul, and their watchers; disposing checks what was told. */
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
