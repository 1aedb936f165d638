import { ConfigCheck } from '@sd/core/driver'
import { isHost } from './request-target.ts'
import type { RouteOptions } from './route-options.ts'

/** Checks the gateway's configuration; errors say `invalid-config`. */
export const check: ConfigCheck = new ConfigCheck('gateway')

/** A route's options, with their defaults. */
export interface CheckedRoute extends RouteOptions {
  /** Host and prefix as one text: the route's name in logs and figures. */
  readonly name: string
  readonly prefix: string
  readonly stripPrefix: boolean
  readonly scheme: 'http' | 'https'
  readonly maxBodyBytes: number
  readonly maxRequests: number
}

const routeFields: readonly (keyof RouteOptions)[] = [
  'service',
  'host',
  'prefix',
  'stripPrefix',
  'scheme',
  'tls',
  'balancer',
  'keyHeader',
  'retry',
  'timeouts',
  'maxBodyBytes',
  'maxRequests',
]

const timeoutFields = ['discoveryMs', 'connectMs', 'responseMs', 'bodyMs', 'callMs'] as const

/** Checks for an integer within bounds, or returns the default. */
export const checkWhole = (
  field: string,
  value: unknown,
  fallback: number,
  min: number,
  max: number = Number.MAX_SAFE_INTEGER,
): number => {
  if (value === undefined) return fallback
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max
    ? value
    : check.expected(field, value, `a whole number from ${min} to ${max}`)
}

const checkPrefix = (field: string, value: unknown = '/'): string =>
  typeof value === 'string' &&
  /^\/[^?#\s\\%]*$/.test(value) &&
  !/(^|\/)\.{1,2}(\/|$)|\/\//.test(value)
    ? value.replace(/\/$/, '') || '/'
    : check.expected(field, value, 'a path like /orders, without dot segments and escapes')

const checkRoute = (value: unknown, at: string): CheckedRoute => {
  const given = check.object(value, routeFields, at) as Partial<Record<keyof RouteOptions, unknown>>
  const { service, host, scheme } = given
  if (typeof service !== 'string' || service === '')
    check.expected(`${at}.service`, service, 'the name of a service')
  if (host !== undefined && (typeof host !== 'string' || !isHost(host) || host.includes(':')))
    check.expected(`${at}.host`, host, 'a host name without a port')
  if (scheme !== undefined && scheme !== 'http' && scheme !== 'https')
    check.expected(`${at}.scheme`, scheme, 'http or https')
  if (given.tls !== undefined) {
    const { name, ...tls } = check.object(given.tls, ['ca', 'cert', 'key', 'name'], `${at}.tls`)
    if (name !== undefined && (typeof name !== 'string' || name === ''))
      check.expected(`${at}.tls.name`, name, 'service, endpoint or a host name')
    check.tls(tls, scheme !== 'http', `${at}.scheme https`)
  }
  const timeouts = check.object(given.timeouts ?? {}, timeoutFields, `${at}.timeouts`)
  for (const name of timeoutFields)
    checkWhole(`${at}.timeouts.${name}`, timeouts[name], 0, 0, 2 ** 31 - 1)
  const prefix = checkPrefix(`${at}.prefix`, given.prefix)
  const lowerHost = host?.toLowerCase()
  return {
    ...(given as unknown as RouteOptions),
    host: lowerHost,
    prefix,
    name: `${lowerHost ?? ''}${prefix}`,
    stripPrefix: check.boolean(`${at}.stripPrefix`, given.stripPrefix) ?? false,
    scheme: scheme ?? (given.tls === undefined ? 'http' : 'https'),
    maxBodyBytes: checkWhole(`${at}.maxBodyBytes`, given.maxBodyBytes, Infinity, 0),
    maxRequests: checkWhole(`${at}.maxRequests`, given.maxRequests, Infinity, 1),
  }
}

/**
 * Checks a list of routes without I/O; the options of `@sd/undici` and the balancer are checked
 * when the route is made. `reserved`: paths that the gateway answers itself.
 * @throws RegistryError `invalid-config`, naming the field
 */
export const checkRoutes = (
  value: unknown,
  reserved: readonly string[],
): readonly CheckedRoute[] => {
  if (!Array.isArray(value) || value.length === 0)
    return check.expected('routes', value, 'a list of at least one route')
  const routes = value.map((route, index) => checkRoute(route, `routes[${index}]`))
  const names = new Map<string, number>()
  for (const [index, { name, prefix }] of routes.entries()) {
    const first = names.get(name)
    if (first !== undefined)
      check.refuse(`routes[${index}] has the host and prefix of routes[${first}]: ${name}`)
    names.set(name, index)
    if (reserved.includes(prefix))
      check.refuse(
        `routes[${index}].prefix is ${prefix}, which the gateway answers itself; give adminPort to move that to another port`,
      )
  }
  return routes
}
