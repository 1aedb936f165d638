import { RegistryError, type RegistryErrorCode } from '../registry-error.ts'

/** What a client's failure means in core's terms. */
export interface FailureMeaning {
  readonly code: RegistryErrorCode
  /** What went wrong and what to do. Default: the failure's own message. */
  readonly message?: string | undefined
}

/** The two ways in which a driver makes a `RegistryError`. */
export interface DriverErrors {
  /** An error that the driver raises by itself. */
  readonly error: (
    code: RegistryErrorCode,
    operation: string,
    message: string,
    service?: string,
  ) => RegistryError
  /** Turns whatever a client threw into a `RegistryError`; one of those passes unchanged. */
  readonly toRegistryError: (cause: unknown, operation: string, service?: string) => RegistryError
}

/** The message of whatever was thrown. */
export const messageOf = (thrown: unknown): string =>
  thrown instanceof Error ? thrown.message : String(thrown)

/**
 * A copy of `thrown` and its causes that holds name, message, code and stack alone. Errors of client
 * libraries carry whatever was sent (arguments, headers, configuration), and credentials may be in it.
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
 * The errors of one backend. `meaningOf` is the driver's knowledge of its client's failures; without
 * it everything that is no `RegistryError` is `internal`.
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
