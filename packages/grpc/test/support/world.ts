import {
  type InstanceInput,
  type Registration,
  Registry,
  type RegistryHealth,
  type RegistryOptions,
} from '@sd/core'
import { MemoryFaults } from '@sd/memory/faults'
import { memory, MemoryStore } from '@sd/memory'
import { registerResolver, type RegisteredResolver, type ResolverOptions } from '../../src/index.ts'

let schemes = 0

/** A registry in memory, its faults, and a separate scheme for the resolver. */
export class World implements AsyncDisposable {
  readonly store: MemoryStore = new MemoryStore()
  readonly faults: MemoryFaults = new MemoryFaults(this.store)
  /** The registry of the servers. */
  readonly registry: Registry
  /** The registry of the clients, which can be disconnected alone. */
  readonly clientRegistry: Registry
  readonly #resolvers: RegisteredResolver[] = []

  constructor(given: RegistryOptions = {}) {
    const options = { closeTimeoutMs: 500, ...given }
    this.registry = new Registry(memory({ store: this.store }), options)
    this.clientRegistry = new Registry(memory({ store: this.store }), options)
  }

  /** Registers the resolver under a scheme that no other test has; returns the scheme. */
  resolve(options: ResolverOptions = {}): string {
    schemes += 1
    const scheme = `sd${schemes}`
    this.#resolvers.push(registerResolver(this.clientRegistry, { scheme, ...options }))
    return scheme
  }

  /** The watch of the clients in the registry's health; `undefined` when there is none. */
  watch(): RegistryHealth['watches'][number] | undefined {
    return this.clientRegistry.health().watches[0]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const resolver of this.#resolvers) resolver.close()
    await Promise.all([this.registry.close(), this.clientRegistry.close()])
  }
}

/** Registers an echo server under `orders`. */
export const register = (
  world: World,
  { id, address }: { readonly id: string; readonly address: string },
  more: Partial<InstanceInput> = {},
): Promise<Registration> =>
  world.registry.register({ service: 'orders', id, endpoints: [`grpc://${address}`], ...more })
