import { RegistryError } from '@sd/core'

/** An `invalid-config` about what `createRegistry` was given. `backend` is `core` until one is known. */
export const configError = (message: string, backend = 'core', cause?: unknown): RegistryError =>
  new RegistryError('invalid-config', { backend, operation: 'configure', message, cause })
