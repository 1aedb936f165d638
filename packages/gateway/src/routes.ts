import { isDeepStrictEqual } from 'node:util'
import type { Discovery } from '@sd/core'
import type { CheckedRoute } from './check-routes.ts'
import { hostName } from './request-target.ts'
import { Route } from './route.ts'

/** The longest prefix first: it is the most specific. */
const byLength = (a: Route, b: Route): number => b.options.prefix.length - a.options.prefix.length

/** The routes in use. */
export class Routes {
  readonly #discovery: Discovery
  #routes: readonly Route[] = []
  #byHost: ReadonlyMap<string, readonly Route[]> = new Map()
  #anyHost: readonly Route[] = []
  readonly #closing = new Set<Promise<void>>()

  constructor(discovery: Discovery) {
    this.#discovery = discovery
  }

  /** The routes, in the order of the configuration. */
  get all(): readonly Route[] {
    return this.#routes
  }

  /** The route for a request: one of its host before one for any host, the longest prefix first. */
  find(host: string, target: string): Route | undefined {
    const query = target.indexOf('?')
    const end = query === -1 ? target.length : query
    const covers = (route: Route): boolean => route.covers(target, end)
    return (
      (this.#byHost.size === 0 ? undefined : this.#byHost.get(hostName(host))?.find(covers)) ??
      this.#anyHost.find(covers)
    )
  }

  /**
   * Replaces the routes. One whose options are the same stays, with its connections. The others
   * finish their requests.
   * @throws RegistryError `invalid-config`; then nothing has changed
   */
  replace(checked: readonly CheckedRoute[]): void {
    const made: Route[] = []
    let routes: readonly Route[]
    try {
      routes = checked.map((options, index) => {
        const same = this.#routes.find((route) => isDeepStrictEqual(route.options, options))
        if (same !== undefined) return same
        const route = new Route(this.#discovery, options, `routes[${index}]`)
        made.push(route)
        return route
      })
    } catch (error) {
      for (const { upstream } of made) void upstream.destroy()
      throw error
    }
    const removed = this.#routes.filter((route) => !routes.includes(route))
    this.#routes = routes
    const sorted = routes.toSorted(byLength)
    this.#anyHost = sorted.filter(({ options }) => options.host === undefined)
    this.#byHost = Map.groupBy(
      sorted.filter(({ options }) => options.host !== undefined),
      ({ options }) => options.host as string,
    )
    for (const { upstream } of removed) {
      const closed = upstream.close().finally(() => this.#closing.delete(closed))
      this.#closing.add(closed)
    }
  }

  /** Finishes what is under way, then releases everything. */
  async close(): Promise<void> {
    await Promise.all([...this.#routes.map(({ upstream }) => upstream.close()), ...this.#closing])
  }

  /** Ends everything immediately. */
  async destroy(): Promise<void> {
    await Promise.all(this.#routes.map(({ upstream }) => upstream.destroy()))
  }
}
