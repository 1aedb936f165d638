import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Registry } from '@sd/core'
import { MemoryStore } from '@sd/memory'
import { MemoryFaults } from '@sd/memory/faults'
import { createRegistry } from '@sd/registry'
import { ServiceDispatcher, type ServiceDispatcherOptions } from '@sd/undici'

/** A registry in memory whose server a test can stop, and services that are registered in it. */
export class Fleet implements AsyncDisposable {
  readonly registry: Registry
  readonly faults: MemoryFaults
  readonly store: MemoryStore
  readonly #stack = new AsyncDisposableStack()

  private constructor(registry: Registry, store: MemoryStore) {
    this.registry = registry
    this.store = store
    this.faults = new MemoryFaults(store)
    this.#stack.use(registry)
  }

  static async create(ttlMs = 10_000): Promise<Fleet> {
    const store = new MemoryStore()
    const options = { backend: 'memory', store, ttlMs, logger: false } as const
    return new Fleet(await createRegistry(options), store)
  }

  /** Another registry over the same store. */
  async another(): Promise<Registry> {
    const registry = await createRegistry({ backend: 'memory', store: this.store, logger: false })
    return this.#stack.use(registry)
  }

  /** Serves over HTTP, and registers as an instance of `service`. */
  async serve(service: string, id: string, listener: http.RequestListener): Promise<void> {
    const server = http.createServer(listener).listen(0, '127.0.0.1')
    await once(server, 'listening')
    this.#stack.defer(async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    })
    const { port } = server.address() as AddressInfo
    await this.register(service, id, `http://127.0.0.1:${port}`)
  }

  async register(service: string, id: string, endpoint = 'http://127.0.0.1:1'): Promise<void> {
    await this.registry.register({ service, id, endpoints: [endpoint] })
  }

  dispatcher(options: Partial<ServiceDispatcherOptions> = {}): ServiceDispatcher {
    const dispatcher = new ServiceDispatcher({
      discovery: this.registry,
      balancer: { strategy: 'round-robin', random: { next: () => 0 } },
      ...options,
    })
    this.#stack.defer(() => dispatcher.destroy())
    return dispatcher
  }

  use<T extends Disposable | AsyncDisposable>(value: T): T {
    return this.#stack.use(value)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }
}
