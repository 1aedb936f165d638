import type { RegistryOptions } from '@sd/core'
import type {
  DriverFactory,
  HeartbeatConfig,
  RegistryDriver,
  TlsConfig,
  WireFormat,
} from '@sd/core/driver'
import type { MemoryConfig } from '@sd/memory'
import type { SqliteConfig } from '@sd/sqlite'

/** PEM files that `createRegistry` reads into the `tls` of the same names. */
export interface TlsFiles {
  /** Certificate authorities to trust instead of Node's. */
  readonly ca?: string | undefined
  /** Client certificate; together with `key`. */
  readonly cert?: string | undefined
  readonly key?: string | undefined
}

// The fields of the optional backends are repeated here, because an import of their types does not
// compile where their package is not installed. A type test compares each with its package.

/** Core's options, with the format by name or as an object. */
export interface NamedOptions<FormatName extends string = string> extends Omit<
  RegistryOptions,
  'format'
> {
  /** How records are written; see docs/formats.md. Default `json`, the format of `@sd`. */
  readonly format?: FormatName | WireFormat | undefined
}

/** A registry within this process. */
export interface MemoryRegistryConfig extends NamedOptions<'json'>, MemoryConfig {
  readonly backend: 'memory'
}

/** A registry in one file that the processes of this machine share. */
export interface SqliteRegistryConfig extends NamedOptions<'json'>, SqliteConfig {
  readonly backend: 'sqlite'
}

/** A registry on etcd v3; needs the package `@sd/etcd`. */
export interface EtcdRegistryConfig
  extends NamedOptions<'json' | 'kratos' | 'go-zero' | 'etcd-naming'>, HeartbeatConfig {
  readonly backend: 'etcd'
  /** The members' client URLs, `http://host:port` or `https://host:port`, all of one scheme. */
  readonly endpoints: readonly string[]
  /**
   * Keys are stored under `<namespace>/`. May contain slashes. Default: that of the format, else
   * `services`.
   */
  readonly namespace?: string
  /** For servers with authentication enabled; together with `password`. */
  readonly username?: string
  readonly password?: string
  /** Only with `https:` endpoints. Default `ca`: the authorities that Node includes. */
  readonly tls?: TlsConfig
  readonly tlsFiles?: TlsFiles | undefined
}

/** TLS settings of ZooKeeper. */
export interface ZooKeeperTls extends TlsConfig {
  /** The name that the servers' certificates must have. Default: each host as it is written. */
  readonly serverName?: string
}

/** A registry on ZooKeeper; needs the package `@sd/zookeeper`. */
export interface ZooKeeperRegistryConfig
  extends
    NamedOptions<'json' | 'kratos' | 'curator' | 'spring-zookeeper' | 'dubbo'>,
    HeartbeatConfig {
  readonly backend: 'zookeeper'
  /** The members, `host:port` or `host` (port 2181). */
  readonly hosts: readonly string[]
  /**
   * Records are stored under `/<namespace>`. May contain slashes. Default: that of the format, else
   * `services`.
   */
  readonly namespace?: string
  /** Logs in, together with `password`. Must not contain a colon. */
  readonly username?: string
  readonly password?: string
  /** ZooKeeper's own scheme, or SASL DIGEST-MD5. Default `digest`. */
  readonly auth?: 'digest' | 'sasl'
  /** With credentials: whether others may read what this process creates. Default true. */
  readonly worldReadable?: boolean
  /** Turns TLS on, also as `{}`. Default `ca`: the authorities that Node includes. */
  readonly tls?: ZooKeeperTls
  /** Turns TLS on as well. Read again for each connection. */
  readonly tlsFiles?: TlsFiles | undefined
}

/** A registry on a Consul agent; needs the package `@sd/consul`. */
export interface ConsulRegistryConfig
  extends NamedOptions<'json' | 'kratos' | 'spring-consul'>, HeartbeatConfig {
  readonly backend: 'consul'
  /** The agent to use: `http://host:port`, `https://host:port` or `unix:///path/to.sock`. */
  readonly endpoint: string
  /**
   * Instances of different namespaces never see each other. Default: that of the format, else
   * `services`.
   */
  readonly namespace?: string
  /** An ACL token. Default: the agent's own default token. */
  readonly token?: string
  /** The datacenter to read. Registrations go to the agent's own. Default: the agent's. */
  readonly datacenter?: string
  /** Of lists and watches; see `ConsulConfig` of `@sd/consul`. Default `default`. */
  readonly consistency?: 'default' | 'consistent' | 'stale'
  /** Only with an `https:` endpoint. Default `ca`: Node's default authorities. */
  readonly tls?: TlsConfig
  readonly tlsFiles?: TlsFiles | undefined
}

/** A registry on a built-in backend, discriminated by `backend`. */
export type RegistryConfig =
  | MemoryRegistryConfig
  | SqliteRegistryConfig
  | EtcdRegistryConfig
  | ZooKeeperRegistryConfig
  | ConsulRegistryConfig

/** The name of a built-in backend. */
export type BackendName = RegistryConfig['backend']

/**
 * A registry on the backend that a URL names, with options that a URL cannot express (a `logger`,
 * a password from a secret store). A field given here overrides the URL's. Without `url` and
 * `backend` the URL is that of the environment variable `SD_URL`, else `sqlite:`.
 */
export interface UrlRegistryConfig extends NamedOptions, HeartbeatConfig {
  readonly url?: string
  readonly backend?: never
  readonly namespace?: string | undefined
  readonly username?: string | undefined
  readonly password?: string | undefined
  readonly token?: string | undefined
  readonly tls?: TlsConfig | undefined
  readonly tlsFiles?: TlsFiles | undefined
}

/** A registry on a custom backend. The caller configures its driver. */
export interface CustomRegistryConfig extends RegistryOptions {
  readonly backend: RegistryDriver | DriverFactory
}

/** The sources that `createRegistry` accepts: a configuration, a URL, or a driver. */
export type RegistrySource =
  | RegistryConfig
  | UrlRegistryConfig
  | CustomRegistryConfig
  | RegistryDriver
  | DriverFactory
  | string
