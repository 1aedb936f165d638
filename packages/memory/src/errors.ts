import { type DriverErrors, driverErrors } from '@sd/core/driver'

/** The backend name in every error and in the driver. */
export const backend = 'memory'

// there are no client errors to translate; an error of a wire format is `internal`
const errors: DriverErrors = driverErrors(backend)

/** Creates an error that this driver raises itself. */
export const memoryError: DriverErrors['error'] = errors.error

/** Converts an error thrown inside a call to a `RegistryError`. */
export const toRegistryError: DriverErrors['toRegistryError'] = errors.toRegistryError
