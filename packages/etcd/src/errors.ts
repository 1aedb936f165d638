import {
  type DriverErrors,
  driverErrors,
  messageOf,
  type RegistryError,
  type RegistryErrorCode,
  tlsRefusal,
} from '@sd/core/driver'
import { GrpcError, type GrpcStatus } from './client/grpc/grpc-error.ts'

/** The backend name in every error and in the driver. */
export const backend = 'etcd'

interface Refusal {
  readonly pattern: RegExp
  readonly code: RegistryErrorCode
}

/**
 * Error messages from etcd's `api/v3rpc/rpctypes/error.go`. They are more specific than the gRPC
 * code sent with them (a bad password and a request too large are both code 3).
 */
const refusals: readonly Refusal[] = [
  { pattern: /requested lease not found/, code: 'session-lost' },
  // also of a read of several pages, which asks for the revision of the first one
  {
    pattern: /required revision (?:has been compacted|is a future revision)/,
    code: 'cursor-expired',
  },
  { pattern: /permission denied/, code: 'permission-denied' },
  { pattern: /invalid user ID or password/, code: 'permission-denied' },
  { pattern: /user name is empty/, code: 'permission-denied' },
  { pattern: /invalid auth token|revision of auth store is old/, code: 'unavailable' },
  { pattern: /request is too large|too many operations|duplicate key/, code: 'invalid-argument' },
  { pattern: /database space exceeded/, code: 'unavailable' },
]

/** For messages not listed above. */
const codes: ReadonlyMap<GrpcStatus, RegistryErrorCode> = new Map([
  // by the server: local aborts never get here
  ['CANCELLED', 'unavailable'],
  ['INVALID_ARGUMENT', 'invalid-argument'],
  ['DEADLINE_EXCEEDED', 'timeout'],
  ['PERMISSION_DENIED', 'permission-denied'],
  // too many requests
  ['RESOURCE_EXHAUSTED', 'unavailable'],
  ['ABORTED', 'unavailable'],
  ['UNIMPLEMENTED', 'unsupported'],
  ['UNAVAILABLE', 'unavailable'],
  ['UNAUTHENTICATED', 'permission-denied'],
])

const codeOf = (cause: unknown, message: string): RegistryErrorCode => {
  for (const { pattern, code } of refusals) if (pattern.test(message)) return code
  return (cause instanceof GrpcError ? codes.get(cause.status) : undefined) ?? 'internal'
}

/** Whether the server refused the token, not the user, so that a new token may be accepted. */
export const isStaleToken = (cause: unknown): boolean =>
  /invalid auth token|revision of auth store is old|user name is empty/.test(messageOf(cause))

/** Whether authentication is off on the server. */
export const isAuthDisabled = (cause: unknown): boolean =>
  /authentication is not enabled/.test(messageOf(cause))

/** Whether one side of a connection does not accept the certificate of the other. */
export const isTlsRefusal = (cause: unknown): boolean => tlsRefusal(messageOf(cause)) !== undefined

const leaseGoneMessage =
  'the server has no such lease: it has expired, was revoked, or the data was lost'

const errors: DriverErrors = driverErrors(backend, (cause) => {
  const text = messageOf(cause)
  const refusal = tlsRefusal(text)
  if (refusal) return { code: refusal.code, message: `${text}${refusal.advice}` }
  const code = codeOf(cause, text)
  return { code, message: code === 'session-lost' ? leaseGoneMessage : text }
})

/** Creates an error that this driver raises itself. */
export const etcdError: DriverErrors['error'] = errors.error

/** The loss of a session whose lease the server does not have. */
export const leaseGone = (operation: string): RegistryError =>
  etcdError('session-lost', operation, leaseGoneMessage)

/** Converts an error of a client call to a `RegistryError`, if it is not one already. */
export const toRegistryError: DriverErrors['toRegistryError'] = errors.toRegistryError
