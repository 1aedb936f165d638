import type { Discovery } from '@sd/core'
import type { CheckedRoute } from './check-routes.ts'
import { Upstream } from './upstream.ts'

/** A route in use: its options, its service, and the requests under way. */
export class Route {
  readonly options: CheckedRoute
  readonly upstream: Upstream
  /** The prefix that is stripped; `undefined`: none. */
  readonly stripped: string | undefined
  /** Requests under way, including upgraded connections. */
  requests = 0

  /** @throws RegistryError `invalid-config` */
  constructor(discovery: Discovery, options: CheckedRoute, at: string) {
    const { prefix, stripPrefix } = options
    this.options = options
    this.stripped = stripPrefix && prefix !== '/' ? prefix : undefined
    this.upstream = new Upstream(discovery, options, at)
  }

  /** Whether the route's prefix covers a path; `end`: where its query begins. */
  covers(path: string, end: number): boolean {
    const { prefix } = this.options
    return (
      prefix === '/' ||
      (path.startsWith(prefix) && (prefix.length === end || path[prefix.length] === '/'))
    )
  }

  /** The path for instances. */
  pathOf(target: string): string {
    if (this.stripped === undefined) return target
    const rest = target.slice(this.stripped.length)
    return rest.startsWith('/') ? rest : `/${rest}`
  }
}
