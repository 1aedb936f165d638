import { RegistryError, type RegistryErrorCode } from '@sd/core/driver'

/** A failure of this backend. */
export const memoryError = (
  code: RegistryErrorCode,
  operation: string,
  message: string,
): RegistryError => new RegistryError(code, { backend: 'memory', operation, message })

/** What a call throws, for whatever was thrown inside it: a wire format may be somebody else's code. */
export const toRegistryError = (cause: unknown, operation: string): RegistryError =>
  RegistryError.from(cause, { backend: 'memory', operation })
