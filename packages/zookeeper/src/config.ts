import { ConfigCheck, type HeartbeatConfig, show, type TlsConfig } from '@sd/core/driver'
import { backend } from './errors.ts'
import { forbiddenInPaths } from './formats/node-names.ts'

/** TLS settings: PEM contents, not file names. */
export interface ZooKeeperTls extends TlsConfig {
  /**
   * The name that the servers' certificates must have, also sent to the server (SNI). Default: each
   * host as it is written in `hosts`.
   */
  readonly serverName?: string
}

/**
 * Names of PEM files with the `tls` of the same names. They are read again for each connection, so a
 * certificate that is replaced on disk is used from the next connection on.
 */
export interface ZooKeeperTlsFiles {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
}

/** How to reach ZooKeeper. */
export interface ZooKeeperConfig extends HeartbeatConfig {
  /** The members, `host:port` or `host` (port 2181). */
  readonly hosts: readonly string[]
  /**
   * Records are stored under `/<namespace>`. May contain slashes. Default: that of the format, else
   * `services`.
   */
  readonly namespace?: string
  /** Logs in, together with `password`. May not contain a colon. */
  readonly username?: string
  readonly password?: string
  /**
   * How to log in with `username` and `password`. `digest`: ZooKeeper's own scheme, which keeps no list of
   * users. `sasl`: SASL DIGEST-MD5, for servers with a JAAS configuration. Default `digest`.
   */
  readonly auth?: 'digest' | 'sasl'
  /**
   * Whether other users may read the nodes that this process creates. Has no effect without
   * credentials, as everybody may then do everything. Default true.
   */
  readonly worldReadable?: boolean
  /**
   * Turns TLS on, also as `{}`; the ports in `hosts` are then those of `secureClientPort`. Default
   * `ca`: the authorities that Node includes (`tls.rootCertificates`).
   */
  readonly tls?: ZooKeeperTls
  /** Turns TLS on as well. */
  readonly tlsFiles?: ZooKeeperTlsFiles
}

/** The namespace where neither the configuration nor the format names one. */
export const defaultNamespace = 'services'

const defaultPort = 2181

const fields = [
  'hosts',
  'namespace',
  'username',
  'password',
  'auth',
  'worldReadable',
  'tls',
  'tlsFiles',
  'heartbeat',
  'maxBlockMs',
] as const

const fileFields = ['ca', 'cert', 'key'] as const

const check = new ConfigCheck(backend)

const hostShape = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?$/

const readHost = (host: unknown): string => {
  const match = typeof host === 'string' ? hostShape.exec(host) : null
  const port = Number(match?.[2] ?? defaultPort)
  if (match === null || port < 1 || port > 65_535)
    return check.refuse(
      `hosts holds ${show(host)}; expected host:port or host, with no scheme, path or credentials`,
    )
  return `${match[1]}:${port}`
}

const readHosts = (value: unknown): readonly string[] => {
  if (!Array.isArray(value) || value.length === 0)
    return check.expected('hosts', value, 'a list of one or more host:port')
  return Object.freeze([...new Set(value.map(readHost))])
}

const readNamespace = (value: unknown): string => {
  const parts = check.namespace(value).replace(/^\//, '').split('/')
  const bad = parts.some((part) => part === '' || part === '.' || part === '..')
  if (bad || parts[0] === 'zookeeper' || forbiddenInPaths.test(parts.join('/')))
    return check.expected(
      'namespace',
      value,
      'a path of nodes with no empty, "." or ".." part and no control characters, not below zookeeper',
    )
  return parts.join('/')
}

const readAuth = (value: unknown, username: string | undefined): ZooKeeperConfig['auth'] => {
  if (value === undefined) return undefined
  if (value !== 'digest' && value !== 'sasl')
    return check.expected('auth', value, '"digest" or "sasl"')
  if (username === undefined)
    return check.refuse(`auth is "${value}"; expected username and password with it`)
  return value
}

const readTls = (value: unknown): ZooKeeperTls | undefined => {
  if (value === undefined) return undefined
  const { serverName, ...rest } = check.object(value, [...fileFields, 'serverName'], 'tls')
  if (serverName !== undefined && (typeof serverName !== 'string' || serverName === ''))
    return check.expected('tls.serverName', serverName, "the name in the servers' certificates")
  const pems = check.tls(rest, true, 'tls')
  return Object.freeze({ ...pems, ...(serverName === undefined ? {} : { serverName }) })
}

const readTlsFiles = (
  value: unknown,
  tls: ZooKeeperTls | undefined,
): ZooKeeperTlsFiles | undefined => {
  if (value === undefined) return undefined
  const given = check.object(value, fileFields, 'tlsFiles')
  const files: Record<string, string> = {}
  for (const field of fileFields) {
    const file = given[field]
    if (file === undefined) continue
    if (typeof file !== 'string' || file === '' || file.includes('\0'))
      return check.expected(`tlsFiles.${field}`, file, "a file's name")
    if (tls?.[field] !== undefined)
      return check.refuse(`tlsFiles.${field} and tls.${field} are both given; expected one`)
    files[field] = file
  }
  const has = (field: 'cert' | 'key'): boolean => (files[field] ?? tls?.[field]) !== undefined
  if (has('cert') !== has('key'))
    return check.refuse(
      `tlsFiles.${has('cert') ? 'cert' : 'key'} is given alone; expected cert and key together`,
    )
  return Object.freeze(files)
}

/**
 * A checked, frozen copy of `value`. Throws `invalid-config` naming the field, its value and the
 * accepted values. Refuses unknown keys. Reads no file.
 */
export const validateZooKeeperConfig = (value: unknown): ZooKeeperConfig => {
  const given = check.object(value, fields)
  const hosts = readHosts(given['hosts'])
  const username = check.credential('username', given['username'])
  const password = check.credential('password', given['password'])
  if ((username === undefined) !== (password === undefined))
    check.refuse(
      `${username ? 'username' : 'password'} is given alone; expected username and password together`,
    )
  const auth = readAuth(given['auth'], username)
  if (username?.includes(':'))
    check.refuse('username contains a colon; expected a name without one')
  const worldReadable = check.boolean('worldReadable', given['worldReadable'])
  const { namespace } = given
  const tls = readTls(given['tls'])
  const tlsFiles = readTlsFiles(given['tlsFiles'], tls)
  return Object.freeze({
    hosts,
    ...(namespace === undefined ? {} : { namespace: readNamespace(namespace) }),
    ...(username && password ? { username, password } : {}),
    ...(auth ? { auth } : {}),
    ...(worldReadable === undefined ? {} : { worldReadable }),
    ...(tls ? { tls } : {}),
    ...(tlsFiles ? { tlsFiles } : {}),
    ...check.heartbeat(given),
  })
}
