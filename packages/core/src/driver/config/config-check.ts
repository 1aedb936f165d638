import { X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { RegistryError, show } from '../../registry-error.ts'
import { suggestion } from './nearest-name.ts'

/** TLS settings of a backend's configuration: PEM contents, not file names. */
export interface TlsConfig {
  /** Certificate authorities to trust instead of Node's. */
  readonly ca?: string | Uint8Array
  /** Client certificate; together with `key`. */
  readonly cert?: string | Uint8Array
  readonly key?: string | Uint8Array
}

/** Which thread renews a session while the event loop is blocked: fields of a backend's configuration. */
export interface HeartbeatConfig {
  /**
   * `loop`: the event loop alone, so that a process whose loop is blocked for longer than the ttl loses
   * its session. `worker`: a worker thread renews the session meanwhile. Default `loop`.
   */
  readonly heartbeat?: 'loop' | 'worker' | undefined
  /**
   * With `heartbeat: 'worker'`: the longest block that costs nothing, in milliseconds. An event loop that
   * is blocked for longer loses its registrations, at most a ttl later. Default: three times the ttl.
   */
  readonly maxBlockMs?: number | undefined
}

/** The same fields where no other thread can renew a session: `worker` is refused. */
export interface LoopHeartbeatConfig {
  readonly heartbeat?: 'loop' | undefined
  readonly maxBlockMs?: undefined
}

const heartbeats = ['loop', 'worker'] as const

const tlsFields = ['ca', 'cert', 'key'] as const

const pem = (value: string | Uint8Array | undefined): string | Buffer | undefined =>
  value instanceof Uint8Array ? Buffer.from(value) : value

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * The checks that backend configurations share. Each throws `invalid-config`. The message names the
 * field, the given value and the accepted values, and shows no credential.
 */
export class ConfigCheck {
  readonly #backend: string

  constructor(backend: string) {
    this.#backend = backend
  }

  refuse(message: string): never {
    throw new RegistryError('invalid-config', {
      backend: this.#backend,
      operation: 'config',
      message,
    })
  }

  /** Refuses the value of one field. */
  expected(field: string, given: unknown, accepted: string): never {
    return this.refuse(`${field} is ${show(given)}; expected ${accepted}`)
  }

  /** Checks that `value` is an object with `known` fields only. */
  object(value: unknown, known: readonly string[], field?: string): Record<string, unknown> {
    if (!isObject(value))
      return this.expected(field ?? 'the configuration', value, `an object of ${known.join(', ')}`)
    const prefix = field === undefined ? '' : `${field}.`
    for (const name of Object.keys(value))
      if (!known.includes(name))
        this.refuse(`unknown key "${prefix}${name}"${suggestion(name, known, prefix)}`)
    return value
  }

  /** Checks a namespace: a non-empty well-formed string without NUL or a trailing slash. */
  namespace(value: unknown): string {
    if (
      typeof value !== 'string' ||
      value === '' ||
      !value.isWellFormed() ||
      value.endsWith('/') ||
      value.includes('\0')
    )
      return this.expected('namespace', value, 'a non-empty string that does not end in a slash')
    return value
  }

  /** Checks a user name, password or token. Never shows the value. */
  credential(field: string, value: unknown): string | undefined {
    if (value === undefined) return undefined
    if (typeof value !== 'string' || value === '')
      return this.refuse(`${field} is not a non-empty string; expected one`)
    return value
  }

  boolean(field: string, value: unknown): boolean | undefined {
    if (value !== undefined && typeof value !== 'boolean')
      return this.expected(field, value, 'true or false')
    return value
  }

  /**
   * Checks `heartbeat` and `maxBlockMs`; returns those that are given. `unsupported`: why the backend has
   * no worker that renews, where it has none.
   */
  heartbeat(given: Record<string, unknown>, unsupported?: string): HeartbeatConfig {
    const { heartbeat, maxBlockMs } = given
    const accepted = heartbeats.filter((each) => unsupported === undefined || each === 'loop')
    const known = accepted.find((each) => each === heartbeat)
    if (heartbeat !== undefined && known === undefined)
      this.expected(
        'heartbeat',
        heartbeat,
        accepted.join(' or ') +
          (unsupported === undefined || heartbeat !== 'worker' ? '' : `: ${unsupported}`),
      )
    if (maxBlockMs !== undefined) {
      if (known !== 'worker') this.refuse("maxBlockMs is given without heartbeat: 'worker'")
      if (typeof maxBlockMs !== 'number' || !Number.isSafeInteger(maxBlockMs) || maxBlockMs < 1)
        return this.expected('maxBlockMs', maxBlockMs, 'a positive whole number of milliseconds')
    }
    return {
      ...(known === undefined ? {} : { heartbeat: known }),
      ...(maxBlockMs === undefined ? {} : { maxBlockMs }),
    }
  }

  /**
   * Checks TLS settings. `secure`: whether the configured connection uses TLS. `secureForm`: how a
   * configuration asks for TLS, for the error message.
   */
  tls(value: unknown, secure: boolean, secureForm: string): TlsConfig | undefined {
    if (value === undefined) return undefined
    const given = this.object(value, tlsFields, 'tls')
    if (!secure) this.refuse(`tls is given for a plain connection; expected ${secureForm}`)
    const [ca, cert, key] = tlsFields.map((field) => this.#pem(field, given[field]))
    if ((cert === undefined) !== (key === undefined))
      this.refuse(`tls.${cert ? 'cert' : 'key'} is given alone; expected cert and key together`)
    this.#readable('tls.ca is not a PEM certificate', () => ca && new X509Certificate(ca))
    // OpenSSL compares the key with the certificate
    this.#readable('tls.cert and tls.key are not a PEM certificate and its private key', () =>
      createSecureContext({ cert: pem(cert), key: pem(key) }),
    )
    return Object.freeze({
      ...(ca ? { ca } : {}),
      ...(cert ? { cert } : {}),
      ...(key ? { key } : {}),
    })
  }

  #readable(otherwise: string, read: () => unknown): void {
    try {
      read()
    } catch (error) {
      const reason = error instanceof Error ? error.message.split(':').at(-1) : ''
      this.refuse(`${otherwise}: OpenSSL reports "${reason}"`)
    }
  }

  #pem(field: string, value: unknown): string | Uint8Array | undefined {
    if (value === undefined) return undefined
    const text = value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value
    if (typeof text !== 'string' || !text.includes('-----BEGIN '))
      return this.refuse(
        `tls.${field} holds no PEM block; expected the file's contents, not its name`,
      )
    return value as string | Uint8Array
  }
}
