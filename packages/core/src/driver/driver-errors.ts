import { RegistryError, type RegistryErrorCode } from '../registry-error.ts'

/** A client library's failure in core's terms. */
export interface FailureMeaning {
  readonly code: RegistryErrorCode
  /** What failed and what to do about it. Default: the failure's own message. */
  readonly message?: string | undefined
}

/** The two ways in which a driver creates a `RegistryError`. */
export interface DriverErrors {
  /** Creates an error that the driver itself raises. */
  readonly error: (
    code: RegistryErrorCode,
    operation: string,
    message: string,
    service?: string,
  ) => RegistryError
  /** Converts any thrown value into a `RegistryError`; returns a `RegistryError` unchanged. */
  readonly toRegistryError: (cause: unknown, operation: string, service?: string) => RegistryError
}

/** The message of a thrown value. */
export const messageOf = (thrown: unknown): string =>
  thrown instanceof Error ? thrown.message : String(thrown)

/**
 * Copies the name, message, code and stack of `thrown` and its causes, and nothing else. Errors of
 * client libraries carry arguments, headers and configuration, which may contain credentials.
 */
const withoutDetails = (thrown: unknown, depth = 0): Error => {
  if (!(thrown instanceof Error)) return new Error(messageOf(thrown))
  const { name, message, stack, code, cause } = thrown as NodeJS.ErrnoException
  const copied = (other: unknown): Error => withoutDetails(other, depth + 1)
  const options = cause === undefined || depth === 8 ? undefined : { cause: copied(cause) }
  const copy =
    thrown instanceof AggregateError && depth < 8
      ? new AggregateError(thrown.errors.map(copied), message, options)
      : new Error(message, options)
  return Object.assign(copy, { name, stack, ...(code === undefined ? {} : { code }) })
}

/**
 * Creates the errors of one backend. `meaningOf` classifies the failures of the driver's client;
 * without it every error other than a `RegistryError` is `internal`.
 */
export const driverErrors = (
  backend: string,
  meaningOf: (cause: unknown) => FailureMeaning = () => ({ code: 'internal' }),
): DriverErrors => ({
  error: (code, operation, message, service) =>
    new RegistryError(code, { backend, operation, service, message }),
  toRegistryError: (thrown, operation, service) => {
    if (thrown instanceof RegistryError) return thrown
    const { code, message = messageOf(thrown) } = meaningOf(thrown)
    const cause = withoutDetails(thrown)
    return new RegistryError(code, { backend, operation, service, message, cause })
  },
})
