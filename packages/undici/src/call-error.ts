import { RegistryError, type RegistryErrorCode } from '@sd/core'

const brand = Symbol.for('@sd/undici/CallError')

/** The details of a failed call. */
export interface CallErrorOptions {
  readonly service?: string | undefined
  readonly message: string
  readonly cause?: unknown
  /** Id of the last instance tried. */
  readonly instance?: string | undefined
  /** Its endpoint. */
  readonly endpoint?: string | undefined
  /** How often the request was tried, including failed connections. */
  readonly attempts: number
}

/**
 * A request to a service that failed: a `RegistryError` with the instance that was tried last and
 * the number of tries. `cause` is the error of undici or of the socket.
 *
 * Codes: `unavailable` (no instance to pick, refused, reset), `timeout` (a deadline of the call, of
 * a try or of undici), `invalid-argument` (the request itself), `closed` (the dispatcher is
 * closed).
 */
export class CallError extends RegistryError {
  /** Id of the last instance tried; `undefined` when none was. */
  readonly instance: string | undefined
  /** The last endpoint tried. */
  readonly endpoint: string | undefined
  /** How often the request was tried, including failed connections; 0 when nothing was picked. */
  readonly attempts: number

  constructor(code: RegistryErrorCode, options: CallErrorOptions) {
    const { service, message, cause } = options
    super(code, { backend: 'undici', operation: 'request', service, message, cause })
    this.instance = options.instance
    this.endpoint = options.endpoint
    this.attempts = options.attempts
    Object.defineProperty(this, brand, { value: true })
  }

  /** True for errors of any installed copy of this package, and for no other `RegistryError`. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && brand in value
  }
}
