import {
  type DriverErrors,
  driverErrors,
  messageOf,
  type RegistryErrorCode,
  tlsRefusal,
} from '@sd/core/driver'

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
  { pattern: /(?:invalid|stale) auth token|revision of auth store is old/, code: 'unavailable' },
  { pattern: /request is too large|too many operations|duplicate key/, code: 'invalid-argument' },
  { pattern: /database space exceeded/, code: 'unavailable' },
]

/** gRPC status codes (https://grpc.io/docs/guides/status-codes), for messages not listed above. */
const grpcCodes: ReadonlyMap<number, RegistryErrorCode> = new Map([
  [1, 'unavailable'], // cancelled, by the server or a broken connection: local aborts never get here
  [3, 'invalid-argument'],
  [4, 'timeout'],
  [7, 'permission-denied'],
  [8, 'unavailable'], // resource exhausted: too many requests
  [10, 'unavailable'],
  [12, 'unsupported'],
  [14, 'unavailable'],
  [16, 'permission-denied'],
])

/** etcd3 converts gRPC errors to its own classes and drops `code`; the message begins with it. */
const codeOf = (message: string): RegistryErrorCode => {
  for (const { pattern, code } of refusals) if (pattern.test(message)) return code
  const grpc = /(?:^|: )(\d{1,2}) [A-Z_]+: /.exec(message)
  return (grpc && grpcCodes.get(Number(grpc[1]))) ?? 'internal'
}

/** Whether the server refused the token, not the user, so that a new token may be accepted. */
export const isStaleToken = (cause: unknown): boolean =>
  /(?:invalid|stale) auth token|revision of auth store is old|user name is empty/.test(
    messageOf(cause),
  )

/** Whether authentication is off on the server. */
export const isAuthDisabled = (cause: unknown): boolean =>
  /authentication is not enabled/.test(messageOf(cause))

/** grpc-js appends the resolver's note, mostly empty, to the message of a failed connection. */
const emptyNote = /[.:]?[^\S\n]*Resolution note:[^\S\n]*$/m

/** Whether one side of a connection does not accept the certificate of the other. */
export const isTlsRefusal = (cause: unknown): boolean => tlsRefusal(messageOf(cause)) !== undefined

const errors: DriverErrors = driverErrors(backend, (cause) => {
  const text = messageOf(cause)
  const refusal = tlsRefusal(text)
  if (refusal) return { code: refusal.code, message: `${text}${refusal.advice}` }
  const code = codeOf(text)
  // etcd3 replaces the message of this error with a meaningless one
  const message =
    code === 'session-lost'
      ? 'the server has no such lease: it has expired, was revoked, or the data was lost'
      : text
  return { code, message }
})

/** Creates an error that this driver raises itself. */
export const etcdError: DriverErrors['error'] = errors.error

/** Converts an error of a client call to a `RegistryError`, if it is not one already. */
export const toRegistryError: DriverErrors['toRegistryError'] = (thrown, operation, service) => {
  if (thrown instanceof Error && emptyNote.test(thrown.message)) {
    thrown.message = thrown.message.replace(emptyNote, '')
    // it begins with the message
    thrown.stack = thrown.stack?.replace(emptyNote, '') ?? ''
  }
  return errors.toRegistryError(thrown, operation, service)
}
