import type { RegistryOptions } from '@sd/core'
import type { DriverFactory, RegistryDriver } from '@sd/core/driver'
import type { ConsulConfig } from '@sd/consul'
import type { EtcdConfig } from '@sd/etcd'
import type { MemoryConfig } from '@sd/memory'
import type { SqliteConfig } from '@sd/sqlite'
import type { ZooKeeperConfig } from '@sd/zookeeper'

/** PEM files that `createRegistry` reads into the `tls` of the same names. */
export interface TlsFiles {
  /** Authorities to trust instead of the system's. */
  readonly ca?: string | undefined
  /** Client certificate; together with `key`. */
  readonly cert?: string | undefined
  readonly key?: string | undefined
}

// interfaces, not intersections: where an optional backend's package, and so its types, is not
// installed, the others stay checked

/** A registry within this process. */
export interface MemoryRegistryConfig extends RegistryOptions, MemoryConfig {
  readonly backend: 'memory'
}

/** A registry that the processes of this machine share in one file. */
export interface SqliteRegistryConfig extends RegistryOptions, SqliteConfig {
  readonly backend: 'sqlite'
}

/** A registry on etcd v3; needs the package `@sd/etcd`. */
export interface EtcdRegistryConfig extends RegistryOptions, EtcdConfig {
  readonly backend: 'etcd'
  readonly tlsFiles?: TlsFiles | undefined
}

/** A registry on ZooKeeper; needs the package `@sd/zookeeper`. */
export interface ZooKeeperRegistryConfig extends RegistryOptions, ZooKeeperConfig {
  readonly backend: 'zookeeper'
  /** This client has no TLS: refused, with what to do instead. */
  readonly tls?: never
}

/** A registry on a Consul agent; needs the package `@sd/consul`. */
export interface ConsulRegistryConfig extends RegistryOptions, ConsulConfig {
  readonly backend: 'consul'
  readonly tlsFiles?: TlsFiles | undefined
}

/** A registry on one of our backends, told apart by `backend`. */
export type RegistryConfig =
  | MemoryRegistryConfig
  | SqliteRegistryConfig
  | EtcdRegistryConfig
  | ZooKeeperRegistryConfig
  | ConsulRegistryConfig

/** The name of one of our backends. */
export type BackendName = RegistryConfig['backend']

/** A registry on a backend of someone else's, configured by who made the driver. */
export interface CustomRegistryConfig extends RegistryOptions {
  readonly backend: RegistryDriver | DriverFactory
}

/** All that `createRegistry` takes: a configuration, a URL, or a driver. */
export type RegistrySource =
  | RegistryConfig
  | CustomRegistryConfig
  | RegistryDriver
  | DriverFactory
  | string
