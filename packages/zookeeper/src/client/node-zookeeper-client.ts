import type { DriverContext } from '@sd/core/driver'
// @ts-expect-error: the library publishes no types of its internals; `library.ts` has them
import ConnectionManager from 'node-zookeeper-client/lib/ConnectionManager.js'
// @ts-expect-error: as above
import jute from 'node-zookeeper-client/lib/jute/index.js'
import { GuardedClient } from './guarded-client.ts'
import { HostRotation, parseHost } from './guards/host-rotation.ts'
import {
  assertLibrary,
  type Host,
  type Jute,
  type Library,
  type LibraryConnection,
} from './library.ts'
import type { ZooKeeperClient } from './zookeeper-client.ts'
import { ZooKeeperError } from './zookeeper-error.ts'

/** How to connect a client. */
export interface ZooKeeperClientOptions {
  /** Each is `host:port`, with an IPv6 address in brackets. */
  readonly hosts: readonly string[]
  /** The requested timeout; the server clamps it. */
  readonly sessionTimeoutMs: number
  /** With `password`: digest authentication. */
  readonly username?: string | undefined
  readonly password?: string | undefined
  /**
   * With credentials: whether others may read the nodes that this client creates. Default true.
   * Without credentials everybody may do everything with them.
   */
  readonly worldReadable?: boolean | undefined
  /** For successive clients: the next one begins at the host after the last one's. */
  readonly rotation?: HostRotation | undefined
  readonly context: DriverContext
}

type RotationOptions = Pick<ZooKeeperClientOptions, 'hosts' | 'sessionTimeoutMs' | 'context'>

/** A `rotation` for clients that are made with the same options. */
export const createHostRotation = (options: RotationOptions): HostRotation =>
  new HostRotation(options.hosts.map(toHost), options.sessionTimeoutMs, options.context.random)

/**
 * A client of one session over `node-zookeeper-client`. Does no I/O before `connect`. Throws
 * `BAD_ARGUMENTS` when a host is not `host:port`, and an `Error` when the library's version is not
 * the supported one.
 */
export const createZooKeeperClient = (options: ZooKeeperClientOptions): ZooKeeperClient =>
  new GuardedClient({ ...options, library: openLibrary(options) })

/** The library, not connected yet. Exported for tests that begin from an unusual state. */
export const openLibrary = (options: ZooKeeperClientOptions): Library => {
  const { hosts, sessionTimeoutMs, username, password } = options
  const servers = hosts.map(toHost)
  // the library's parsing of the string breaks IPv6; `servers` replaces the result
  const connection = new (ConnectionManager as new (
    hosts: string,
    options: { sessionTimeout: number },
    listener: () => void,
  ) => LibraryConnection)('servers:1', { sessionTimeout: sessionTimeoutMs }, () => {})
  connection.servers = servers
  const library: Library = { connection, jute: jute as Jute }
  assertLibrary(library)
  if (username !== undefined)
    connection.credentials.push({
      scheme: 'digest',
      auth: Buffer.from(`${username}:${password ?? ''}`),
    })
  return library
}

const toHost = (text: string): Host => {
  const host = parseHost(text)
  if (host) return host
  throw new ZooKeeperError('BAD_ARGUMENTS', {
    operation: 'connect',
    message: `${JSON.stringify(text)} is not host:port`,
  })
}
