import { RegistryError } from '@sd/core/driver'
import { backend } from './errors.ts'

/** How to reach etcd. */
export interface EtcdConfig {
  /** The members' client URLs, `http://host:port` or `https://host:port`, all of one scheme. */
  readonly endpoints: readonly string[]
  /** Keys lie under `<namespace>/`. May hold slashes. Default `services`. */
  readonly namespace?: string
  /** For servers with authentication on; together with `password`. */
  readonly username?: string
  readonly password?: string
  /** Only with `https:` endpoints. Without it the system's authorities are trusted. */
  readonly tls?: EtcdTls
}

/** PEM contents, not file names. */
export interface EtcdTls {
  /** Authorities to trust instead of the system's. */
  readonly ca?: string | Uint8Array
  /** Client certificate; together with `key`. */
  readonly cert?: string | Uint8Array
  readonly key?: string | Uint8Array
}

/** The namespace when none is given. */
export const defaultNamespace = 'services'

const fields = ['endpoints', 'namespace', 'username', 'password', 'tls'] as const
const tlsFields = ['ca', 'cert', 'key'] as const

const refuse = (message: string): never => {
  throw new RegistryError('invalid-config', { backend, operation: 'config', message })
}

/** What was given, short, and without what may be a password in a URL. */
const show = (value: unknown): string => {
  if (typeof value !== 'string') return Array.isArray(value) ? 'a list' : String(value)
  const shown = JSON.stringify(value.replace(/[^/]*@/, '<hidden>@'))
  return shown.length > 80 ? `${shown.slice(0, 77)}...` : shown
}

const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1]
    for (let j = 0; j < b.length; j++)
      next.push(
        Math.min(
          (next[j] ?? 0) + 1,
          (row[j + 1] ?? 0) + 1,
          (row[j] ?? 0) + (a[i] === b[j] ? 0 : 1),
        ),
      )
    row = next
  }
  return row[b.length] ?? 0
}

const checkFields = (value: object, known: readonly string[], prefix: string): void => {
  for (const name of Object.keys(value)) {
    if (known.includes(name)) continue
    const ranked = known.toSorted(
      (a, b) => distance(name.toLowerCase(), a) - distance(name.toLowerCase(), b),
    )
    refuse(
      `unknown key "${prefix}${name}"; did you mean "${prefix}${ranked[0]}"? Known: ${known.join(', ')}`,
    )
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const endpointShape = /^(https?):\/\/(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})$/

const schemeOf = (endpoint: unknown): string => {
  const match = typeof endpoint === 'string' ? endpointShape.exec(endpoint) : null
  if (match === null || Number(match[2]) < 1 || Number(match[2]) > 65_535)
    return refuse(
      `endpoints holds ${show(endpoint)}; expected http://host:port or https://host:port, with no path and no credentials`,
    )
  return match[1] as string
}

const readEndpoints = (value: unknown): readonly string[] => {
  if (!Array.isArray(value) || value.length === 0)
    return refuse(`endpoints is ${show(value)}; expected a list of one or more URLs`)
  if (new Set(value.map(schemeOf)).size > 1)
    refuse('endpoints mixes http: and https:; expected one scheme for all')
  return [...new Set<string>(value)]
}

const readNamespace = (value: unknown): string => {
  if (
    typeof value !== 'string' ||
    value === '' ||
    !value.isWellFormed() ||
    value.endsWith('/') ||
    value.includes('\0')
  )
    return refuse(
      `namespace is ${show(value)}; expected a non-empty string that does not end in a slash`,
    )
  return value
}

const readPem = (field: string, value: unknown): string | Uint8Array | undefined => {
  if (value === undefined) return undefined
  const text = value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value
  if (typeof text !== 'string' || !text.includes('-----BEGIN '))
    return refuse(`tls.${field} holds no PEM block; expected the file's contents, not its name`)
  return value as string | Uint8Array
}

const readTls = (value: unknown, secure: boolean): EtcdTls | undefined => {
  if (value === undefined) return undefined
  if (!isObject(value)) return refuse(`tls is ${show(value)}; expected an object of ca, cert, key`)
  if (!secure) refuse('tls is given, but the endpoints are http:; expected https: endpoints')
  checkFields(value, tlsFields, 'tls.')
  const [ca, cert, key] = tlsFields.map((field) => readPem(field, value[field]))
  if ((cert === undefined) !== (key === undefined))
    refuse(`tls.${cert ? 'cert' : 'key'} is given alone; expected cert and key together`)
  return { ...(ca ? { ca } : {}), ...(cert ? { cert } : {}), ...(key ? { key } : {}) }
}

const readCredential = (field: string, value: unknown): string | undefined => {
  if (value === undefined) return undefined
  // the value itself is never shown
  if (typeof value !== 'string' || value === '')
    return refuse(`${field} is not a non-empty string; expected one`)
  return value
}

/**
 * A checked, frozen copy of `value`, with the default namespace filled in. Throws `invalid-config`
 * naming the field, what was given and what is accepted; unknown keys are refused.
 */
export const validateEtcdConfig = (value: unknown): EtcdConfig => {
  if (!isObject(value)) return refuse(`the configuration is ${show(value)}; expected an object`)
  checkFields(value, fields, '')
  const endpoints = readEndpoints(value['endpoints'])
  const username = readCredential('username', value['username'])
  const password = readCredential('password', value['password'])
  if ((username === undefined) !== (password === undefined))
    refuse(`${username ? 'username' : 'password'} is given alone; expected username and password`)
  const tls = readTls(value['tls'], endpoints[0]?.startsWith('https:') ?? false)
  return Object.freeze({
    endpoints: Object.freeze(endpoints),
    namespace: readNamespace(value['namespace'] ?? defaultNamespace),
    ...(username && password ? { username, password } : {}),
    ...(tls ? { tls: Object.freeze(tls) } : {}),
  })
}
