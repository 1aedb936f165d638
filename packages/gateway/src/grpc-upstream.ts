import { createPicker, type Pick, type Picker } from '@sd/balancer'
import { type Discovery, RegistryError, type Watcher } from '@sd/core'
import type { CheckedRoute } from './check-routes.ts'
import type { Http2Connection } from './http2-connection.ts'
import { Http2Connections } from './http2-connections.ts'

/** An instance that was picked for one call, and a connection to it, which the call holds. */
export interface GrpcConnection {
  readonly pick: Pick
  readonly connection: Http2Connection
}

/** How many instances are tried for a call until one accepts a connection. */
const maxUnreached = 10

/** One route's service for gRPC: picks of instances, and their connections of HTTP/2. */
export class GrpcUpstream {
  readonly #picker: Picker
  readonly #watcher: Watcher
  readonly #connections: Http2Connections
  readonly #schemes: readonly string[]
  readonly #discoveryMs: number
  readonly #synced = Promise.withResolvers<void>()

  /** `host`: the host that stands for the service in certificates. */
  constructor(discovery: Discovery, route: CheckedRoute, host: string) {
    const { service, scheme, balancer, timeouts = {} } = route
    const { name = 'service', ...pem } = route.tls ?? {}
    const secure = scheme === 'https'
    this.#discoveryMs = timeouts.discoveryMs ?? 5_000
    this.#schemes = secure ? ['grpcs', 'https'] : ['grpc', 'http']
    this.#connections = new Http2Connections({
      tls: secure ? (pem as object) : undefined,
      tlsName: (hostname) => (name === 'service' ? host : name === 'endpoint' ? hostname : name),
      connectMs: timeouts.connectMs ?? 2_000,
    })
    this.#picker = createPicker({ ...balancer, service })
    this.#watcher = discovery.watch(service)
    void this.#follow()
  }

  /**
   * Picks an instance and connects to it; tries others if it cannot be reached.
   * @throws RegistryError if none can be picked; the last connection's error
   */
  async connect(key: string | undefined): Promise<GrpcConnection> {
    await this.#ready()
    const tried = new Set<string>()
    let last: unknown
    for (;;) {
      let pick: Pick
      try {
        pick = this.#picker.pick({ key, exclude: tried, scheme: this.#schemes })
      } catch (error) {
        throw last ?? error
      }
      try {
        return { pick, connection: await this.#connections.connect(pick.endpoint) }
      } catch (error) {
        pick.done({ error })
        last = error
        tried.add(pick.instance.id)
        if (tried.size >= maxUnreached) throw error
      }
    }
  }

  /** Resolves when the last stream has ended. */
  async close(): Promise<void> {
    this.#watcher.close()
    this.#picker.close()
    await this.#connections.close()
  }

  destroy(): void {
    this.#watcher.close()
    this.#picker.close()
    this.#connections.destroy()
  }

  async #ready(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = this.#discoveryMs > 0 ? setTimeout(resolve, this.#discoveryMs) : undefined
    // after the time the pick says that there is no instance
    await Promise.race([this.#synced.promise, promise])
    clearTimeout(timer)
  }

  async #follow(): Promise<void> {
    try {
      for await (const event of this.#watcher) {
        if (event.type === 'stale') continue
        for (const change of this.#picker.apply(event.changes))
          if (change.type !== 'added')
            for (const endpoint of (change.type === 'updated' ? change.previous : change.instance)
              .endpoints)
              if (change.type === 'removed' || !change.instance.endpoints.includes(endpoint))
                this.#connections.leave(endpoint)
        this.#synced.resolve()
      }
    } catch (error) {
      // calls report it
      if (!(error instanceof RegistryError)) throw error
    }
    this.#synced.resolve()
  }
}
