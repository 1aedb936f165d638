import { type DriverErrors, driverErrors } from '@sd/core/driver'

/** The name that every error and the driver bear. */
export const backend = 'memory'

// no client whose failures mean something; what a wire format throws is `internal`
const errors: DriverErrors = driverErrors(backend)

/** An error that this driver raises by itself. */
export const memoryError: DriverErrors['error'] = errors.error

/** Turns whatever was thrown inside a call into a `RegistryError`. */
export const toRegistryError: DriverErrors['toRegistryError'] = errors.toRegistryError
