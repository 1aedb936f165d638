import { RegistryError, type RegistryErrorCode } from '../../../src/registry-error.ts'

/** An error as the simulated backend's driver would throw it. */
export const simError = (
  code: RegistryErrorCode,
  operation: string,
  message: string,
): RegistryError => new RegistryError(code, { backend: 'sim', operation, message })
