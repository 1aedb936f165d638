import type { ConsulRegistryConfig, TlsFiles } from '../registry-config.ts'
import type { HostsUrl } from './hosts-grammar.ts'
import { httpEndpoints, tlsQuery } from './http-endpoints.ts'
import type { QueryKind } from './query-value.ts'
import type { QueryValues } from './url-grammar.ts'
import { urlProblem } from './url-piece.ts'

/** Consul's query keys. */
export const consulQuery: Readonly<Record<string, QueryKind>> = {
  ...tlsQuery,
  socket: 'text',
  datacenter: 'text',
  consistency: 'text',
}

type Consistency = NonNullable<ConsulRegistryConfig['consistency']>

/** The result of `consulEndpoint`; `@sd/consul` validates each field. */
export interface ConsulEndpoint {
  readonly endpoint: string
  readonly namespace?: string
  readonly token?: string
  readonly datacenter?: string
  readonly consistency?: Consistency
  readonly tlsFiles?: TlsFiles
}

const textOf = (query: QueryValues, key: string): Readonly<Record<string, string>> => {
  const value = query.get(key)
  return typeof value === 'string' ? { [key]: value } : {}
}

/** One agent's configuration: its host, or its unix `socket`. The token is the URL's password. */
export const consulEndpoint = (url: HostsUrl, query: QueryValues, at: number): ConsulEndpoint => {
  if (url.username !== undefined)
    throw urlProblem(at, 'Consul has no users; a token is written //:token@host')
  const { endpoints, namespace, password, tlsFiles } = httpEndpoints(url, query, at)
  const socket = query.get('socket')
  if (socket !== undefined && (endpoints.length > 0 || query.get('tls') === true))
    throw urlProblem(
      at,
      'socket cannot be combined with a host or tls; expected consul:///services?socket=/run/consul.sock',
    )
  const [endpoint = socket === undefined ? undefined : `unix://${String(socket)}`, another] =
    endpoints
  if (endpoint === undefined) throw urlProblem(at, 'expected // and a host')
  if (another !== undefined)
    throw urlProblem(at, 'expected one host: the agent at which this process registers')
  return {
    endpoint,
    ...(namespace === undefined ? {} : { namespace }),
    ...(password === undefined ? {} : { token: password }),
    ...textOf(query, 'datacenter'),
    // the backend checks that it is one of the three values
    ...(textOf(query, 'consistency') as { readonly consistency?: Consistency }),
    ...(tlsFiles === undefined ? {} : { tlsFiles }),
  }
}
