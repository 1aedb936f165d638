import { RegistryError, type RegistryErrorCode } from '@sd/core'

// undici's errors (lib/core/errors.js) for requests that are wrong on every instance
const requestFaults: ReadonlySet<string> = new Set([
  'UND_ERR_INVALID_ARG',
  'UND_ERR_NOT_SUPPORTED',
  'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH',
  // a body that was destroyed before its end; the caller's own aborts do not reach this check
  'UND_ERR_ABORTED',
])

const timeouts: ReadonlySet<string> = new Set([
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'ETIMEDOUT',
])

/** The `code` of an error, if it has one. */
export const codeOf = (error: unknown): string | undefined => {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** The error code for an error of undici or of a socket. */
export const failureCode = (error: unknown): RegistryErrorCode => {
  if (error instanceof RegistryError) return error.code
  const code = codeOf(error)
  if (code === undefined) return 'unavailable'
  if (requestFaults.has(code)) return 'invalid-argument'
  return timeouts.has(code) || code === 'timeout' ? 'timeout' : 'unavailable'
}

/**
 * Whether no instance caused the error and none could help: the request itself is wrong, or the
 * dispatcher was destroyed.
 */
export const isBlameless = (error: unknown): boolean =>
  error instanceof RegistryError || requestFaults.has(codeOf(error) ?? '')

// RFC 9110, 9.2.2, and the QUERY method
const idempotentMethods: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'OPTIONS',
  'TRACE',
  'PUT',
  'DELETE',
  'QUERY',
])

/** Whether a request may be sent twice: as the caller says, or else by its method. */
export const isIdempotent = (request: {
  readonly method: string
  readonly idempotent?: boolean
}): boolean => request.idempotent ?? idempotentMethods.has(request.method.toUpperCase())
