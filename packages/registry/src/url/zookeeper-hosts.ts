import type { TlsFiles, ZooKeeperRegistryConfig, ZooKeeperTls } from '../registry-config.ts'
import type { HostsUrl } from './hosts-grammar.ts'
import { tlsOf, tlsQuery } from './http-endpoints.ts'
import type { QueryKind } from './query-value.ts'
import type { QueryValues } from './url-grammar.ts'
import { urlProblem } from './url-piece.ts'

/** ZooKeeper's query keys. */
export const zookeeperQuery: Readonly<Record<string, QueryKind>> = {
  ...tlsQuery,
  auth: 'text',
  'server-name': 'text',
  'world-readable': 'boolean',
}

type Auth = NonNullable<ZooKeeperRegistryConfig['auth']>

/** The result of `zookeeperHosts`; `@sd/zookeeper` validates each field. */
export interface ZooKeeperHosts extends Omit<HostsUrl, 'hosts'> {
  readonly hosts: readonly string[]
  readonly auth?: Auth
  readonly worldReadable?: boolean
  readonly tls?: ZooKeeperTls
  readonly tlsFiles?: TlsFiles
}

/** Builds the configuration of an ensemble. */
export const zookeeperHosts = (
  { hosts, ...rest }: HostsUrl,
  query: QueryValues,
  at: number,
): ZooKeeperHosts => {
  const worldReadable = query.get('world-readable')
  const auth = query.get('auth')
  const serverName = query.get('server-name')
  const { secure, ...files } = tlsOf(query, at)
  if (serverName !== undefined && !secure)
    throw urlProblem(at, 'server-name is given without tls=true')
  return {
    ...rest,
    hosts: hosts.map(({ host, port }) => `${host}:${port}`),
    // the backend checks that it is one of the two values
    ...(typeof auth === 'string' ? { auth: auth as Auth } : {}),
    ...(typeof worldReadable === 'boolean' ? { worldReadable } : {}),
    ...(secure ? { tls: typeof serverName === 'string' ? { serverName } : {} } : {}),
    ...files,
  }
}
