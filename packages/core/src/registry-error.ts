/** The kind of failure, for programs to act on. */
export type RegistryErrorCode =
  | 'invalid-argument'
  | 'invalid-config'
  | 'unsupported'
  | 'closed'
  | 'conflict'
  | 'permission-denied'
  | 'unavailable'
  | 'timeout'
  | 'session-lost'
  | 'cursor-expired'
  | 'internal'

/** Which failures may resolve by themselves. Drivers do not decide this; only this table does. */
const retryableCodes: Readonly<Record<RegistryErrorCode, boolean>> = {
  'invalid-argument': false,
  'invalid-config': false,
  unsupported: false,
  closed: false,
  conflict: false,
  'permission-denied': false,
  unavailable: true,
  timeout: true,
  'session-lost': true,
  'cursor-expired': true,
  internal: true,
}

/** Where a `RegistryError` happened. */
export interface RegistryErrorOptions {
  /** The backend's name, e.g. `etcd`; `core` for a failure before any backend is called. */
  readonly backend: string
  /** What was attempted, e.g. `register`. */
  readonly operation: string
  readonly service?: string | undefined
  /** What failed and what to do about it. Must not contain credentials. */
  readonly message: string
  readonly cause?: unknown
}

/** The JSON form of an error. */
export interface ErrorJson {
  readonly name: string
  readonly message: string
  /** The code of Node or of a client library: `ECONNREFUSED`. */
  readonly code?: string | number
  readonly cause?: ErrorJson
}

/** The JSON form of a `RegistryError`. */
export interface RegistryErrorJson extends ErrorJson {
  readonly code: RegistryErrorCode
  readonly backend: string
  readonly operation: string
  readonly service?: string
  readonly retryable: boolean
}

/** Deeper causes are omitted, as a chain of causes may be cyclic. */
export const maxCauses = 8

/** What caused `error`. Node's error for a failed connection to several addresses has a list. */
export const innerCause = (error: Error): unknown =>
  error.cause ?? (error instanceof AggregateError ? error.errors[0] : undefined)

const causeJson = (cause: unknown, depth = 1): ErrorJson => {
  if (!(cause instanceof Error)) return { name: typeof cause, message: String(cause) }
  const code: unknown = 'code' in cause ? cause.code : undefined
  const inner = innerCause(cause)
  return {
    name: cause.name,
    message: cause.message,
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    ...(inner === undefined || depth >= maxCauses ? {} : { cause: causeJson(inner, depth + 1) }),
  }
}

const brand = Symbol.for('@sd/core/RegistryError')

/** The only error class that `@sd` throws, apart from the reason of a caller's signal. */
export class RegistryError extends Error {
  override readonly name = 'RegistryError'
  readonly code: RegistryErrorCode
  readonly backend: string
  readonly operation: string
  readonly service?: string
  /** Whether a retry can succeed without any intervention. */
  readonly retryable: boolean

  constructor(code: RegistryErrorCode, options: RegistryErrorOptions) {
    const subject =
      options.service === undefined ? '' : ` ${JSON.stringify(options.service).slice(1, -1)}`
    super(
      `[${code}] ${options.operation}${subject}: ${options.message}`,
      options.cause === undefined ? undefined : { cause: options.cause },
    )
    this.code = code
    this.backend = options.backend
    this.operation = options.operation
    if (options.service !== undefined) this.service = options.service
    this.retryable = retryableCodes[code]
    Object.defineProperty(this, brand, { value: true })
  }

  /** True for errors of any installed copy of `@sd/core`, so that duplicate installations match. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && brand in value
  }

  /**
   * The form that `JSON.stringify` writes, for logs and health endpoints; a plain `Error` is written
   * as `{}`. Includes the names, messages and codes of the causes, without stacks.
   */
  toJSON(): RegistryErrorJson {
    const { name, code, backend, operation, service, retryable, message } = this
    return {
      name,
      code,
      message,
      backend,
      operation,
      ...(service === undefined ? {} : { service }),
      retryable,
      ...(this.cause === undefined ? {} : { cause: causeJson(this.cause) }),
    }
  }

  /** `value` itself when it is a `RegistryError`, else an `internal` one around it. */
  static from(value: unknown, options: Omit<RegistryErrorOptions, 'message'>): RegistryError {
    if (value instanceof RegistryError) return value
    const message = value instanceof Error ? value.message : String(value)
    return new RegistryError('internal', { ...options, message, cause: value })
  }
}

const maxShown = 80

/** Hides everything before the last `@` of `text` except a scheme, as it may be a password. */
const redact = (text: string): string =>
  text.replace(/^([A-Za-z][\w+.-]*:\/\/)?[^]*@/, (_, scheme: string = '') => `${scheme}<hidden>@`)

/** Formats a value for an error message: short, on one line, without credentials. */
export const show = (value: unknown): string => {
  if (typeof value === 'string') {
    const shown = JSON.stringify(redact(value))
    return shown.length > maxShown ? `${shown.slice(0, maxShown - 3)}...` : shown
  }
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'function') return 'a function'
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}
