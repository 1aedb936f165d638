import type { TlsFiles, ZooKeeperTls } from '../registry-config.ts'
import type { HostsUrl } from './hosts-grammar.ts'
import { tlsOf, tlsQuery } from './http-endpoints.ts'
import type { QueryKind } from './query-value.ts'
import type { QueryValues } from './url-grammar.ts'
import { urlProblem } from './url-piece.ts'

/** ZooKeeper's query keys. */
export const zookeeperQuery: Readonly<Record<string, QueryKind>> = {
  ...tlsQuery,
  'server-name': 'text',
  'world-readable': 'boolean',
}

/** The result of `zookeeperHosts`. */
export interface ZooKeeperHosts extends Omit<HostsUrl, 'hosts'> {
  readonly hosts: readonly string[]
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
  const serverName = query.get('server-name')
  const { secure, ...files } = tlsOf(query, at)
  if (serverName !== undefined && !secure)
    throw urlProblem(at, 'server-name is given without tls=true')
  return {
    ...rest,
    hosts: hosts.map(({ host, port }) => `${host}:${port}`),
    ...(typeof worldReadable === 'boolean' ? { worldReadable } : {}),
    ...(secure ? { tls: typeof serverName === 'string' ? { serverName } : {} } : {}),
    ...files,
  }
}
