import type { RegistryOptions } from '@sd/core'
import { type DriverFactory, jsonFormat } from '@sd/core/driver'
import type { BackendName, RegistryConfig } from './registry-config.ts'
import type { Formats } from './resolve-format.ts'
import type { UrlGrammar } from './url/url-grammar.ts'
import { consulEndpoint, consulQuery } from './url/consul-endpoint.ts'
import { nameGrammar, pathGrammar } from './url/hostless-grammars.ts'
import { hostsGrammar } from './url/hosts-grammar.ts'
import { httpEndpoints, tlsQuery } from './url/http-endpoints.ts'
import { zookeeperHosts, zookeeperQuery } from './url/zookeeper-hosts.ts'

type ConfigOf<Name extends BackendName> = Extract<RegistryConfig, { readonly backend: Name }>
type OwnKeyOf<Name extends BackendName> = Exclude<
  keyof ConfigOf<Name>,
  keyof RegistryOptions | 'backend'
>

/** What this package uses of an installed backend package. */
export interface LoadedBackend {
  /** Throws `invalid-config` with the field's name. */
  readonly validate: (config: unknown) => unknown
  /** Takes a validated configuration. Does no I/O. */
  readonly create: (config: never) => DriverFactory
  /** The formats that it carries, by name. */
  readonly formats: Formats
}

/** What this package knows of a backend before it loads the backend's package. */
export interface Backend<Name extends BackendName = BackendName> {
  readonly packageName: string
  /** All of its own configuration keys. The compiler checks that none is missing. */
  readonly keys: Readonly<Record<OwnKeyOf<Name>, true>>
  /**
   * Whether its package reads the files of `tlsFiles` itself, again for each connection, so that
   * certificates can be replaced on disk.
   */
  readonly readsTlsFiles?: true
  /** Imports its package on first use. */
  readonly load: () => Promise<LoadedBackend>
  /** The grammar of its URLs. */
  readonly url: UrlGrammar<Pick<ConfigOf<Name>, OwnKeyOf<Name>>>
}

/** Backends that no other fleet uses. */
const ownFormats: Formats = { json: jsonFormat }

/** All built-in backends. A new one needs an entry here and a type in `RegistryConfig`. */
const backends: { readonly [Name in BackendName]: Backend<Name> } = {
  memory: {
    packageName: '@sd/memory',
    keys: { namespace: true, store: true, heartbeat: true, maxBlockMs: true },
    load: async () => {
      const { memory, validateMemoryConfig } = await import('@sd/memory')
      return { validate: validateMemoryConfig, create: memory, formats: ownFormats }
    },
    url: nameGrammar(),
  },
  sqlite: {
    packageName: '@sd/sqlite',
    keys: { path: true, namespace: true, heartbeat: true, maxBlockMs: true },
    load: async () => {
      const { sqlite, validateSqliteConfig } = await import('@sd/sqlite')
      return { validate: validateSqliteConfig, create: sqlite, formats: ownFormats }
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
      heartbeat: true,
      maxBlockMs: true,
    },
    load: async () => {
      const { etcd, etcdFormats, validateEtcdConfig } = await import('@sd/etcd')
      return { validate: validateEtcdConfig, create: etcd, formats: etcdFormats }
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
      auth: true,
      worldReadable: true,
      tls: true,
      tlsFiles: true,
      heartbeat: true,
      maxBlockMs: true,
    },
    readsTlsFiles: true,
    load: async () => {
      const { zookeeper, zookeeperFormats, validateZooKeeperConfig } = await import('@sd/zookeeper')
      return { validate: validateZooKeeperConfig, create: zookeeper, formats: zookeeperFormats }
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
      heartbeat: true,
      maxBlockMs: true,
    },
    load: async () => {
      const { consul, consulFormats, validateConsulConfig } = await import('@sd/consul')
      return { validate: validateConsulConfig, create: consul, formats: consulFormats }
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

/** The names of the built-in backends. */
export const backendNames: readonly string[] = Object.keys(backends)

/** The entry of `name`; `undefined` if no built-in backend has that name. */
export const findBackend = (name: string): Backend | undefined =>
  Object.hasOwn(backends, name) ? backends[name as BackendName] : undefined
