import { createSecureContext, type SecureContext } from 'node:tls'
import { ConfigCheck, type HeartbeatConfig, show, type TlsConfig } from '@sd/core/driver'
import { backend } from './errors.ts'

/** How to reach etcd. */
export interface EtcdConfig extends HeartbeatConfig {
  /** The members' client URLs, `http://host:port` or `https://host:port`, with the same scheme. */
  readonly endpoints: readonly string[]
  /**
   * The prefix of all keys, as `<namespace>/`. May contain slashes. Default: that of the format, else
   * `services`.
   */
  readonly namespace?: string
  /** For servers with authentication on. Requires `password`. */
  readonly username?: string
  readonly password?: string
  /** Only with `https:` endpoints. Default `ca`: the authorities that Node includes (`tls.rootCertificates`). */
  readonly tls?: TlsConfig
}

/** The namespace where neither the configuration nor the format names one. */
export const defaultNamespace = 'services'

const fields = [
  'endpoints',
  'namespace',
  'username',
  'password',
  'tls',
  'heartbeat',
  'maxBlockMs',
] as const

const check = new ConfigCheck(backend)

const endpointShape = /^(https?):\/\/(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})$/

const schemeOf = (endpoint: unknown): string => {
  const match = typeof endpoint === 'string' ? endpointShape.exec(endpoint) : null
  if (match === null || Number(match[2]) < 1 || Number(match[2]) > 65_535)
    return check.refuse(
      `endpoints holds ${show(endpoint)}; expected http://host:port or https://host:port, with no path and no credentials`,
    )
  return match[1] as string
}

const readEndpoints = (value: unknown): readonly string[] => {
  if (!Array.isArray(value) || value.length === 0)
    return check.expected('endpoints', value, 'a list of one or more URLs')
  if (new Set(value.map(schemeOf)).size > 1)
    check.refuse('endpoints mixes http: and https:; expected one scheme for all')
  return [...new Set<string>(value)]
}

/**
 * Returns a validated, frozen copy of `value`. Throws `invalid-config`, naming the field, the given
 * value and the accepted ones; refuses unknown keys.
 */
export const validateEtcdConfig = (value: unknown): EtcdConfig => {
  const given = check.object(value, fields)
  const endpoints = readEndpoints(given['endpoints'])
  const username = check.credential('username', given['username'])
  const password = check.credential('password', given['password'])
  if ((username === undefined) !== (password === undefined))
    check.refuse(
      `${username ? 'username' : 'password'} is given alone; expected username and password together`,
    )
  const tls = check.tls(
    given['tls'],
    endpoints[0]?.startsWith('https:') ?? false,
    'https: endpoints',
  )
  const { namespace } = given
  return Object.freeze({
    endpoints: Object.freeze(endpoints),
    ...(namespace === undefined ? {} : { namespace: check.namespace(namespace) }),
    ...(username && password ? { username, password } : {}),
    ...(tls ? { tls } : {}),
    ...check.heartbeat(given),
  })
}

const pem = (value: string | Uint8Array): string | Buffer =>
  typeof value === 'string' ? value : Buffer.from(value)

/**
 * The certificates for all TLS connections of a driver, parsed once; `undefined` for plain ones. Without
 * `ca` the authorities are Node's.
 */
export const secureContextOf = ({
  endpoints,
  tls: { ca, key, cert } = {},
}: EtcdConfig): SecureContext | undefined =>
  endpoints[0]?.startsWith('https:')
    ? createSecureContext({
        ...(ca ? { ca: pem(ca) } : {}),
        ...(key && cert ? { key: pem(key), cert: pem(cert) } : {}),
      })
    : undefined
