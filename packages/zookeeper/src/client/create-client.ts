import type { DriverContext, HeartbeatWorker } from '@sd/core/driver'
import type { ZooKeeperConfig } from '../config.ts'
import { type Host, HostRotation, parseHost } from './connection/host-rotation.ts'
import { type Credentials, digestLogin, type Login, saslLogin } from './connection/login.ts'
import { secureOptionsOf } from './secure-options.ts'
import { WireClient } from './wire-client.ts'
import type { ZooKeeperClient } from './zookeeper-client.ts'
import { ZooKeeperError } from './zookeeper-error.ts'

/** How to connect a client. */
export interface ZooKeeperClientOptions extends Pick<ZooKeeperConfig, 'tls' | 'tlsFiles'> {
  /** Each is `host:port`, with an IPv6 address in brackets. */
  readonly hosts: readonly string[]
  /** The requested timeout; the server clamps it. */
  readonly sessionTimeoutMs: number
  /** With `password`: a login. */
  readonly username?: string | undefined
  readonly password?: string | undefined
  /** How it logs in. Default `digest`. */
  readonly auth?: ZooKeeperConfig['auth'] | undefined
  /**
   * With credentials: whether others may read the nodes that this client creates. Default true.
   * Without credentials everybody may do everything with them.
   */
  readonly worldReadable?: boolean | undefined
  /** For successive clients: the next one begins at the host after the last one's. */
  readonly rotation?: HostRotation | undefined
  /** Keeps the session while the event loop is blocked, until `close`. */
  readonly worker?: Pick<HeartbeatWorker, 'keep'> | undefined
  /** Called when a part of an answer has arrived, and not its end: it is large, or the link is slow. */
  readonly onPart?: (() => void) | undefined
  readonly context: DriverContext
}

type RotationOptions = Pick<ZooKeeperClientOptions, 'hosts' | 'sessionTimeoutMs' | 'context'>

/** A `rotation` for clients that are made with the same options. */
export const createHostRotation = (options: RotationOptions): HostRotation =>
  new HostRotation(options.hosts.map(toHost), options.sessionTimeoutMs, options.context.random)

/**
 * A client of one session. Does no I/O before `connect`. Throws `BAD_ARGUMENTS` when a host is not
 * `host:port`.
 */
export const createZooKeeperClient = (options: ZooKeeperClientOptions): ZooKeeperClient => {
  const { username, password = '', auth, worldReadable = true } = options
  const { rotation = createHostRotation(options), ...rest } = options
  const owned = worldReadable ? 'creator, world reads' : 'creator'
  return new WireClient({
    ...rest,
    rotation,
    secureOptions: secureOptionsOf(options),
    access: username === undefined ? 'open' : owned,
    login: username === undefined ? undefined : loginOf({ username, password }, auth),
  })
}

const loginOf = (credentials: Credentials, auth: ZooKeeperClientOptions['auth']) => (): Login =>
  auth === 'sasl' ? saslLogin(credentials) : digestLogin(credentials)

const toHost = (text: string): Host => {
  const host = parseHost(text)
  if (host) return host
  throw new ZooKeeperError('BAD_ARGUMENTS', {
    operation: 'connect',
    message: `${JSON.stringify(text)} is not host:port`,
  })
}
