import type { RegistryOptions } from '@sd/core'
import type { DriverFactory } from '@sd/core/driver'
import type { BackendName, RegistryConfig } from './registry-config.ts'
import type { UrlGrammar } from './url/url-grammar.ts'
import { consulEndpoint, consulQuery } from './url/consul-endpoint.ts'
import { hostsGrammar } from './url/hosts-grammar.ts'
import { httpEndpoints, tlsQuery } from './url/http-endpoints.ts'
import { nameGrammar } from './url/name-grammar.ts'
import { pathGrammar } from './url/path-grammar.ts'
import { zookeeperHosts, zookeeperQuery } from './url/zookeeper-hosts.ts'

type ConfigOf<Name extends BackendName> = Extract<RegistryConfig, { readonly backend: Name }>
type OwnKeyOf<Name extends BackendName> = Exclude<
  keyof ConfigOf<Name>,
  keyof RegistryOptions | 'backend'
>

/** What an installed backend package gives us. */
export interface LoadedBackend {
  /** Throws `invalid-config` naming the field. */
  readonly validate: (config: unknown) => unknown
  /** Takes what `validate` let pass; no I/O. */
  readonly create: (config: never) => DriverFactory
}

/** What the front door knows of a backend without its package. */
export interface Backend<Name extends BackendName = BackendName> {
  readonly packageName: string
  /** Its own configuration keys, all of them: the compiler checks that none is missing. */
  readonly keys: Readonly<Record<OwnKeyOf<Name>, true>>
  /** Imports its package, on first use. */
  readonly load: () => Promise<LoadedBackend>
  /** How its URLs read. */
  readonly url: UrlGrammar<Pick<ConfigOf<Name>, OwnKeyOf<Name>>>
}

/** The one table of our backends: a new one is an entry here and a type in `RegistryConfig`. */
const backends: { readonly [Name in BackendName]: Backend<Name> } = {
  memory: {
    packageName: '@sd/memory',
    keys: { namespace: true, store: true },
    load: async () => {
      const { memory, validateMemoryConfig } = await import('@sd/memory')
      return { validate: validateMemoryConfig, create: memory }
    },
    url: nameGrammar(),
  },
  sqlite: {
    packageName: '@sd/sqlite',
    keys: { path: true, namespace: true },
    load: async () => {
      const { sqlite, validateSqliteConfig } = await import('@sd/sqlite')
      return { validate: validateSqliteConfig, create: sqlite }
    },
    url: pathGrammar(),
  },
  etcd: {
    packageName: '@sd/etcd',
    keys: {
      endpoints: true,
      namespace: true,
      username: true,
      password: true,
      tls: true,
      tlsFiles: true,
    },
    load: async () => {
      const { etcd, validateEtcdConfig } = await import('@sd/etcd')
      return { validate: validateEtcdConfig, create: etcd }
    },
    url: hostsGrammar({ defaultPort: 2379, query: tlsQuery, toConfig: httpEndpoints }),
  },
  zookeeper: {
    packageName: '@sd/zookeeper',
    keys: {
      hosts: true,
      namespace: true,
      username: true,
      password: true,
      worldReadable: true,
      tls: true,
    },
    load: async () => {
      const { zookeeper, validateZooKeeperConfig } = await import('@sd/zookeeper')
      return { validate: validateZooKeeperConfig, create: zookeeper }
    },
    url: hostsGrammar({ defaultPort: 2181, query: zookeeperQuery, toConfig: zookeeperHosts }),
  },
  consul: {
    packageName: '@sd/consul',
    keys: {
      endpoint: true,
      namespace: true,
      token: true,
      datacenter: true,
      consistency: true,
      tls: true,
      tlsFiles: true,
    },
    load: async () => {
      const { consul, validateConsulConfig } = await import('@sd/consul')
      return { validate: validateConsulConfig, create: consul }
    },
    url: hostsGrammar({
      defaultPort: 8500,
      query: consulQuery,
      form: '//[:token@]host[:port][/namespace], or ///[namespace]?socket=path',
      mayLackHosts: true,
      toConfig: consulEndpoint,
    }),
  },
}

/** The names of our backends. */
export const backendNames: readonly string[] = Object.keys(backends)

/** The entry of `name`; `undefined` for a name that is none of ours. */
export const findBackend = (name: string): Backend | undefined =>
  Object.hasOwn(backends, name) ? backends[name as BackendName] : undefined
