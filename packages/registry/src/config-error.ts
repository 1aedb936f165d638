import { RegistryError } from '@sd/core'

/** An `invalid-config` about the argument of `createRegistry`. `backend` is `core` until known. */
export const configError = (message: string, backend = 'core', cause?: unknown): RegistryError =>
  new RegistryError('invalid-config', { backend, operation: 'configure', message, cause })
