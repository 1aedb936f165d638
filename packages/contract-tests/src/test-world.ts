import { Registry, type RegistryOptions } from '@sd/core'
import type { DriverFactory } from '@sd/core/driver'
import { Follower } from './follower.ts'

/** Common options of the registries of a {@link TestWorld}. */
export interface TestWorldOptions {
  readonly ttlMs: number
  /** The cap of their backoff. */
  readonly capMs: number
  /** The prefix of its namespace; `world` by default. */
  readonly name?: string
}

let worlds = 0

/**
 * One test's registries and watchers on its own namespace. Disposing closes them all, and throws if
 * a watcher failed or reported inconsistent events.
 */
export class TestWorld implements AsyncDisposable {
  /** Unique, also among other processes. */
  readonly namespace: string
  readonly #defaults: RegistryOptions
  readonly #registries: Registry[] = []
  readonly #followers: Follower[] = []

  constructor({ ttlMs, capMs, name = 'world' }: TestWorldOptions) {
    this.#defaults = { ttlMs, backoff: { minMs: 50, maxMs: capMs } }
    this.namespace = `${name}-${process.pid}-${Date.now().toString(36)}-${++worlds}`
  }

  /** A registry of this world; `factory` should make drivers on its namespace. */
  open(factory: DriverFactory, options: RegistryOptions = {}): Registry {
    const registry = new Registry(factory, { ...this.#defaults, ...options })
    this.#registries.push(registry)
    return registry
  }

  /**
   * Collects all events of a watcher of `service` (`orders` by default) on `registry` from now on.
   */
  follow(registry: Registry, service = 'orders'): Follower {
    const follower = new Follower(registry.watch(service))
    this.#followers.push(follower)
    return follower
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const checks = await Promise.allSettled(this.#followers.map((follower) => follower.close()))
    await Promise.all(this.#registries.map((registry) => registry.close()))
    for (const check of checks) if (check.status === 'rejected') throw check.reason
  }
}
