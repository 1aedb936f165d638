import { RegistryError, type RegistryErrorCode } from '@sd/core'

const brand = Symbol.for('@sd/undici/CallError')

/** What a call knows of itself when it fails. */
export interface CallErrorOptions {
  readonly service?: string | undefined
  readonly message: string
  readonly cause?: unknown
  /** Id of the instance that was tried last. */
  readonly instance?: string | undefined
  /** Its endpoint. */
  readonly endpoint?: string | undefined
  /** How often the request was tried, the failed connections included. */
  readonly attempts: number
}

/**
 * A request to a service that failed: a `RegistryError` that also tells which instance was tried last
 * and how often. `cause` is the error of undici or of the socket.
 *
 * Codes: `unavailable` (nothing to pick, refused, reset), `timeout` (a deadline of the call, of a try
 * or of undici), `invalid-argument` (the request itself), `closed` (the dispatcher is closed).
 */
export class CallError extends RegistryError {
  /** Id of the instance that was tried last; `undefined` when none was. */
  readonly instance: string | undefined
  /** The endpoint that was tried last. */
  readonly endpoint: string | undefined
  /** How often the request was tried, the failed connections included; 0 when nothing was picked. */
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
