import type { HostsUrl } from './hosts-grammar.ts'
import type { QueryKind } from './query-value.ts'
import type { QueryValues } from './url-grammar.ts'

/** ZooKeeper's query keys. `tls` is parsed so that its error can name the alternative. */
export const zookeeperQuery: Readonly<Record<string, QueryKind>> = {
  'world-readable': 'boolean',
  tls: 'boolean',
}

/** The result of `zookeeperHosts`. */
export interface ZooKeeperHosts extends Omit<HostsUrl, 'hosts'> {
  readonly hosts: readonly string[]
  readonly worldReadable?: boolean
  readonly tls?: never
}

/** Builds the configuration of an ensemble. */
export const zookeeperHosts = (
  { hosts, ...rest }: HostsUrl,
  query: QueryValues,
): ZooKeeperHosts => {
  const worldReadable = query.get('world-readable')
  return {
    ...rest,
    hosts: hosts.map(({ host, port }) => `${host}:${port}`),
    ...(typeof worldReadable === 'boolean' ? { worldReadable } : {}),
    ...(query.get('tls') === true ? { tls: {} as never } : {}),
  }
}
