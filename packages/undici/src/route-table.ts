import type { Discovery } from '@sd/core'
import { type Connections, ServiceRoute } from './service-route.ts'
import type { ServiceSettings } from './service-settings.ts'

/** The routes of recently used services. Unused routes are released. */
export class RouteTable<C extends Connections> {
  readonly #discovery: Discovery
  readonly #settingsOf: (service: string) => ServiceSettings
  readonly #connect: (settings: ServiceSettings) => C
  readonly #routes = new Map<string, ServiceRoute<C>>()
  readonly #closing = new Set<ServiceRoute<C>>()
  readonly #timer: NodeJS.Timeout

  constructor(
    discovery: Discovery,
    settingsOf: (service: string) => ServiceSettings,
    connect: (settings: ServiceSettings) => C,
    idleMs: number,
  ) {
    this.#discovery = discovery
    this.#settingsOf = settingsOf
    this.#connect = connect
    this.#timer = setInterval(() => this.#sweep(), idleMs).unref()
  }

  /** The services that are watched at present. */
  get services(): readonly string[] {
    return [...this.#routes.keys()]
  }

  /** All routes, including those that are closing. */
  get all(): readonly ServiceRoute<C>[] {
    return [...this.#routes.values(), ...this.#closing]
  }

  /** @throws RegistryError of the watch */
  get(service: string): ServiceRoute<C> {
    return this.#routes.get(service) ?? this.#open(service)
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await Promise.all(this.all.map((route) => this.#close(route)))
  }

  async destroy(reason: Error): Promise<void> {
    clearInterval(this.#timer)
    await Promise.all(this.all.map((route) => route.destroy(reason)))
    this.#routes.clear()
    this.#closing.clear()
  }

  #open(service: string): ServiceRoute<C> {
    const settings = this.#settingsOf(service)
    const route: ServiceRoute<C> = new ServiceRoute(
      this.#discovery,
      service,
      settings,
      this.#connect(settings),
      () => void this.#close(route),
    )
    this.#routes.set(service, route)
    return route
  }

  async #close(route: ServiceRoute<C>): Promise<void> {
    if (this.#routes.get(route.service) === route) this.#routes.delete(route.service)
    this.#closing.add(route)
    await route.close()
    this.#closing.delete(route)
  }

  #sweep(): void {
    for (const route of this.#routes.values()) {
      if (!route.used && route.active === 0) void this.#close(route)
      else {
        route.used = false
        route.connections.sweep()
      }
    }
  }
}
