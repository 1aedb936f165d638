import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { suggestion } from '@sd/core/driver'
import type { ClientTimeouts, FrontTls, RouteOptions } from '@sd/gateway'
import { UsageError } from '../exit-code.ts'

/** The settings of `sd gateway`, from its options and its file. */
export interface GatewaySettings {
  readonly port: number
  readonly host: string | undefined
  readonly adminPort: number | undefined
  readonly trustedHops: number | undefined
  readonly accessLog: AccessLogChoice | undefined
  readonly timeouts: ClientTimeouts | undefined
  readonly tls: FrontTls | undefined
  readonly routes: readonly RouteOptions[]
}

/** What `--access-log` accepts. */
export const accessLogChoices = ['json', 'combined', 'none'] as const
type AccessLogChoice = (typeof accessLogChoices)[number]

/** The options of the command that the file can also set. */
export interface GatewayFlags {
  readonly port?: number | undefined
  readonly host?: string | undefined
  readonly adminPort?: number | undefined
  readonly trustedHops?: number | undefined
  readonly accessLog?: AccessLogChoice | undefined
  readonly tlsCert?: string | undefined
  readonly tlsKey?: string | undefined
  readonly stripPrefix?: boolean | undefined
  readonly route?: readonly string[] | undefined
}

const fileKeys = [
  'port',
  'host',
  'adminPort',
  'trustedHops',
  'accessLog',
  'timeouts',
  'tls',
  'routes',
]

/** The port that is used if none is given. */
const defaultPort = 8_080

/** The settings that need a restart to take effect. */
const fixedKeys = ['port', 'host', 'adminPort', 'trustedHops', 'accessLog', 'timeouts'] as const

/**
 * Reads a route of the command line: `/orders=orders`, `api.example.com=orders`,
 * `api.example.com/orders=orders`.
 * @throws UsageError
 */
const readRoute = (text: string, stripPrefix: boolean): RouteOptions => {
  const [, host, prefix, service] = /^([^/=]*)(\/[^=]*)?=(.+)$/s.exec(text) ?? []
  if (service === undefined || (host === '' && prefix === undefined))
    throw new UsageError(
      `--route is ${JSON.stringify(text)}; expected a path or a host and a service, like /orders=orders`,
    )
  return {
    service,
    ...(host === '' ? {} : { host }),
    ...(prefix === undefined ? {} : { prefix }),
    ...(stripPrefix ? { stripPrefix } : {}),
  }
}

/** Reads a file that the settings name, relative to the folder of the file that names it. */
const readPem = async (folder: string, name: unknown, what: string): Promise<string> => {
  if (typeof name !== 'string' || name === '')
    throw new UsageError(`${what} is not the name of a PEM file`)
  const path = resolve(folder, name)
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new UsageError(`${what} cannot be read: ${(error as Error).message}`)
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Replaces the names of PEM files in `tls` by their contents. */
const withPems = async (folder: string, tls: unknown, at: string): Promise<unknown> => {
  if (!isObject(tls)) return tls
  const entries = Object.entries(tls).map(async ([key, value]) =>
    ['ca', 'cert', 'key'].includes(key)
      ? [key, await readPem(folder, value, `${at}.${key}`)]
      : [key, value],
  )
  return Object.fromEntries((await Promise.all(entries)) as [string, unknown][])
}

const readSettingsFile = async (path: string): Promise<Readonly<Record<string, unknown>>> => {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    throw new UsageError(`--config cannot be read: ${(error as Error).message}`)
  }
  let given: unknown
  try {
    given = JSON.parse(text)
  } catch (error) {
    throw new UsageError(`${path} is not JSON: ${(error as Error).message}`)
  }
  if (!isObject(given)) throw new UsageError(`${path}: expected an object with "routes"`)
  for (const key of Object.keys(given))
    if (!fileKeys.includes(key))
      throw new UsageError(`${path}: unknown key "${key}"${suggestion(key, fileKeys)}`)
  const { accessLog, host } = given
  for (const name of ['port', 'adminPort'])
    if (given[name] !== undefined && !isPort(given[name]))
      throw new UsageError(`${path}: ${name} is not a port, a whole number from 0 to 65535`)
  if (accessLog !== undefined && !accessLogChoices.includes(accessLog as AccessLogChoice))
    throw new UsageError(`${path}: accessLog is not one of ${accessLogChoices.join(', ')}`)
  if (host !== undefined && typeof host !== 'string')
    throw new UsageError(`${path}: host is not an address to listen on`)
  if (given['routes'] !== undefined && !Array.isArray(given['routes']))
    throw new UsageError(`${path}: routes is not a list`)
  const folder = dirname(path)
  const routes = (given['routes'] as readonly unknown[] | undefined)?.map(async (route, index) =>
    isObject(route) && 'tls' in route
      ? { ...route, tls: await withPems(folder, route['tls'], `${path}: routes[${index}].tls`) }
      : route,
  )
  return {
    ...given,
    tls: await withPems(folder, given['tls'], `${path}: tls`),
    routes: await Promise.all(routes ?? []),
  }
}

const isPort = (value: unknown): boolean =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 65_535

/**
 * Combines the options of the command line and the file; options have precedence, routes of both
 * are used. The gateway checks what is not checked here.
 * @throws UsageError
 */
export const readGatewaySettings = async (
  flags: GatewayFlags,
  config: string | undefined,
): Promise<GatewaySettings> => {
  const file = config === undefined ? {} : await readSettingsFile(config)
  const { tlsCert, tlsKey, stripPrefix = false } = flags
  if ((tlsCert === undefined) !== (tlsKey === undefined))
    throw new UsageError('--tls-cert and --tls-key are given together')
  const cwd = process.cwd()
  const tls =
    tlsCert === undefined
      ? file['tls']
      : {
          cert: await readPem(cwd, tlsCert, '--tls-cert'),
          key: await readPem(cwd, tlsKey, '--tls-key'),
        }
  // those of the file first: errors name a route by its index
  const routes = [
    ...((file['routes'] ?? []) as readonly RouteOptions[]),
    ...(flags.route ?? []).map((text) => readRoute(text, stripPrefix)),
  ]
  if (routes.length === 0)
    throw new UsageError('give a route: --route /orders=orders, or a --config FILE with "routes"')
  return {
    port: flags.port ?? (file['port'] as number | undefined) ?? defaultPort,
    host: flags.host ?? (file['host'] as string | undefined),
    adminPort: flags.adminPort ?? (file['adminPort'] as number | undefined),
    trustedHops: flags.trustedHops ?? (file['trustedHops'] as number | undefined),
    accessLog: flags.accessLog ?? (file['accessLog'] as AccessLogChoice | undefined),
    timeouts: file['timeouts'] as ClientTimeouts | undefined,
    tls: tls as FrontTls | undefined,
    routes,
  }
}

/** The names of the settings that differ and that a reload does not change. */
export const changedFixed = (
  before: GatewaySettings,
  after: GatewaySettings,
): readonly string[] => [
  ...fixedKeys.filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key])),
  // another certificate is shown at once; none at all is another server
  ...(before.tls !== undefined && after.tls === undefined ? ['tls'] : []),
]
