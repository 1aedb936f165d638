import { type DriverErrors, driverErrors, messageOf, type RegistryErrorCode } from '@sd/core/driver'

/** The name that every error and the driver bear. */
export const backend = 'etcd'

interface Refusal {
  readonly pattern: RegExp
  readonly code: RegistryErrorCode
}

/**
 * What etcd says in words. Texts from etcd's `api/v3rpc/rpctypes/error.go`; they are more telling
 * than the gRPC code beside them (a bad password and a request too large are both code 3).
 */
const refusals: readonly Refusal[] = [
  { pattern: /requested lease not found/, code: 'session-lost' },
  { pattern: /required revision has been compacted/, code: 'cursor-expired' },
  { pattern: /required revision is a future revision/, code: 'cursor-expired' },
  { pattern: /permission denied/, code: 'permission-denied' },
  { pattern: /invalid user ID or password/, code: 'permission-denied' },
  { pattern: /user name is empty/, code: 'permission-denied' },
  { pattern: /(?:invalid|stale) auth token|revision of auth store is old/, code: 'unavailable' },
  { pattern: /request is too large|too many operations|duplicate key/, code: 'invalid-argument' },
  { pattern: /database space exceeded/, code: 'unavailable' },
]

/** gRPC status codes (https://grpc.io/docs/guides/status-codes) where etcd's words say no more. */
const grpcCodes: ReadonlyMap<number, RegistryErrorCode> = new Map([
  [1, 'unavailable'], // cancelled: by the server or a broken connection, as our own aborts never get here
  [3, 'invalid-argument'],
  [4, 'timeout'],
  [7, 'permission-denied'],
  [8, 'unavailable'], // resource exhausted: too many requests
  [10, 'unavailable'],
  [12, 'unsupported'],
  [14, 'unavailable'],
  [16, 'permission-denied'],
])

/** etcd3 casts gRPC errors into classes of its own and drops `code`; the message keeps it in front. */
const codeOf = (message: string): RegistryErrorCode => {
  for (const { pattern, code } of refusals) if (pattern.test(message)) return code
  const grpc = /(?:^|: )(\d{1,2}) [A-Z_]+: /.exec(message)
  return (grpc && grpcCodes.get(Number(grpc[1]))) ?? 'internal'
}

/** Whether the server refused the token, not the user: a new token may be let in. */
export const isStaleToken = (cause: unknown): boolean =>
  /(?:invalid|stale) auth token|revision of auth store is old|user name is empty/.test(
    messageOf(cause),
  )

/** Whether the server takes no credentials at all. */
export const isAuthDisabled = (cause: unknown): boolean =>
  /authentication is not enabled/.test(messageOf(cause))

/** grpc-js ends the text of a failed connection with the resolver's remark, which mostly is empty. */
const withoutEmptyNote = (text: string): string => text.replace(/[.:]?\s*Resolution note:\s*$/, '')

const errors: DriverErrors = driverErrors(backend, (cause) => {
  const text = messageOf(cause)
  const code = codeOf(text)
  // etcd3 wraps this one in words of its own that make no sense
  const message =
    code === 'session-lost' ? 'the server does not know the lease' : withoutEmptyNote(text)
  return { code, message }
})

/** An error that this driver raises by itself. */
export const etcdError: DriverErrors['error'] = errors.error

/** Turns whatever a client call threw into a `RegistryError`; one of those passes unchanged. */
export const toRegistryError: DriverErrors['toRegistryError'] = errors.toRegistryError
