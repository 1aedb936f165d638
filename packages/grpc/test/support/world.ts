import { Registry, type RegistryOptions } from '@sd/core'
import { MemoryFaults } from '@sd/memory/faults'
import { memory, MemoryStore } from '@sd/memory'
import { registerResolver, type RegisteredResolver, type ResolverOptions } from '../../src/index.ts'

let schemes = 0

/** A registry in memory, its faults, and a scheme of its own for the resolver. */
export class World implements AsyncDisposable {
  readonly store: MemoryStore = new MemoryStore()
  readonly faults: MemoryFaults = new MemoryFaults(this.store)
  /** For the servers. */
  readonly registry: Registry
  /** For the clients: it can be cut off alone. */
  readonly clientRegistry: Registry
  #resolver: RegisteredResolver | undefined

  constructor(given: RegistryOptions = {}) {
    const options = { closeTimeoutMs: 500, ...given }
    this.registry = new Registry(memory({ store: this.store }), options)
    this.clientRegistry = new Registry(memory({ store: this.store }), options)
  }

  /** Registers the resolver under a scheme that no other test has; returns the scheme. */
  resolve(options: ResolverOptions = {}): string {
    schemes += 1
    const scheme = `sd${schemes}`
    this.#resolver = registerResolver(this.clientRegistry, { scheme, ...options })
    return scheme
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#resolver?.close()
    await Promise.all([this.registry.close(), this.clientRegistry.close()])
  }
}
