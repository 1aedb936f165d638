import { ConfigCheck, type HeartbeatConfig, show, type TlsConfig } from '@sd/core/driver'
import { backend } from './errors.ts'

const consistencies = ['default', 'consistent', 'stale'] as const

/** Consul's consistency modes of reads. */
export type Consistency = (typeof consistencies)[number]

/** How to reach Consul. */
export interface ConsulConfig extends HeartbeatConfig {
  /**
   * The agent that this process registers at, always the same one: `http://host:port`,
   * `https://host:port` or `unix:///path/to.sock`. A check exists at one agent only, so a load
   * balancer over several agents does not work.
   */
  readonly endpoint: string
  /**
   * Instances of different namespaces never see each other. Not an Enterprise namespace. Default: that of
   * the format, else `services`.
   */
  readonly namespace?: string
  /** An ACL token; without one the agent's own default token applies. */
  readonly token?: string
  /** The datacenter that is read. Registrations go to the agent's own. Default: the agent's. */
  readonly datacenter?: string
  /**
   * Of `list` and of watches. `default`: the leader answers; for a list and where a watch begins it
   * first asks the other servers whether it still leads. `consistent`: it asks for every answer.
   * `stale`: any server answers, so a list may lag behind (`capabilities.list` is `session` then).
   * Default `default`.
   */
  readonly consistency?: Consistency
  /** Only with an `https:` endpoint. Default `ca`: Node's default authorities. */
  readonly tls?: TlsConfig
}

/** The namespace when none is given. */
export const defaultNamespace = 'services'

const fields = [
  'endpoint',
  'namespace',
  'token',
  'datacenter',
  'consistency',
  'tls',
  'heartbeat',
  'maxBlockMs',
] as const

const check = new ConfigCheck(backend)

const accepted =
  'http://host:port, https://host:port or unix:///path/to.sock, with no path after the port and no credentials'

const hostShape = /^https?:\/\/(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})$/

const readEndpoint = (value: unknown): string => {
  const text = typeof value === 'string' ? value : ''
  const port = Number(hostShape.exec(text)?.[1] ?? 0)
  const unix = /^unix:\/\/\/[^\0]+$/.test(text)
  if (!unix && (port < 1 || port > 65_535))
    return check.refuse(`endpoint is ${show(value)}; expected ${accepted}`)
  return text
}

const readDatacenter = (value: unknown): string | undefined => {
  if (value === undefined) return undefined
  if (typeof value !== 'string' || !/^[A-Za-z0-9_-]+$/.test(value))
    return check.expected('datacenter', value, 'letters, digits, - and _')
  return value
}

const readConsistency = (value: unknown): Consistency | undefined => {
  if (value === undefined) return undefined
  const known = consistencies.find((consistency) => consistency === value)
  return known ?? check.expected('consistency', value, consistencies.join(', '))
}

const readToken = (value: unknown): string | undefined => {
  const token = check.credential('token', value)
  // it travels in a header
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token))
    return check.refuse(
      'token contains spaces or characters outside ASCII; expected the SecretID of a Consul token',
    )
  return token
}

/**
 * A checked, frozen copy of `value`. Throws `invalid-config` naming the field, its value and the accepted values; unknown keys are refused.
 */
export const validateConsulConfig = (value: unknown): ConsulConfig => {
  const given = check.object(value, fields)
  const endpoint = readEndpoint(given['endpoint'])
  const token = readToken(given['token'])
  const datacenter = readDatacenter(given['datacenter'])
  const consistency = readConsistency(given['consistency'])
  const tls = check.tls(given['tls'], endpoint.startsWith('https:'), 'an https: endpoint')
  return Object.freeze({
    endpoint,
    ...(given['namespace'] === undefined ? {} : { namespace: check.namespace(given['namespace']) }),
    ...(token ? { token } : {}),
    ...(datacenter ? { datacenter } : {}),
    ...(consistency ? { consistency } : {}),
    ...(tls ? { tls } : {}),
    ...check.heartbeat(given),
  })
}
