/**
 * ZooKeeper's names of errors (`KeeperException.Code`). `TOO_LARGE` is specific to this client: the
 * request was refused before it was sent, because a server would drop the connection.
 */
export type ZooKeeperErrorCode =
  | 'SYSTEM_ERROR'
  | 'RUNTIME_INCONSISTENCY'
  | 'DATA_INCONSISTENCY'
  | 'CONNECTION_LOSS'
  | 'MARSHALLING_ERROR'
  | 'UNIMPLEMENTED'
  | 'OPERATION_TIMEOUT'
  | 'BAD_ARGUMENTS'
  | 'API_ERROR'
  | 'NO_NODE'
  | 'NO_AUTH'
  | 'BAD_VERSION'
  | 'NO_CHILDREN_FOR_EPHEMERALS'
  | 'NODE_EXISTS'
  | 'NOT_EMPTY'
  | 'SESSION_EXPIRED'
  | 'INVALID_ACL'
  | 'AUTH_FAILED'
  | 'NOT_READ_ONLY'
  | 'SESSION_MOVED'
  | 'NO_WATCHER'
  | 'QUOTA_EXCEEDED'
  | 'THROTTLED_OP'
  | 'TOO_LARGE'

/** The context of a `ZooKeeperError`. */
export interface ZooKeeperErrorContext {
  /** The attempted operation: `create`, `multi`, `connect` … */
  readonly operation: string
  readonly path?: string | undefined
  /** Of a `multi`: the index of the operation that failed. */
  readonly failedAt?: number | undefined
  /** Replaces the code's default message. */
  readonly message?: string | undefined
  readonly cause?: unknown
}

/** The rejection of every method of a `ZooKeeperClient`, apart from the reasons of aborted signals. */
export class ZooKeeperError extends Error {
  override readonly name = 'ZooKeeperError'
  readonly code: ZooKeeperErrorCode
  readonly operation: string
  readonly path: string | undefined
  readonly failedAt: number | undefined

  constructor(code: ZooKeeperErrorCode, context: ZooKeeperErrorContext) {
    const { operation, path, failedAt, message, cause } = context
    const where = path === undefined ? '' : ` ${path}`
    super(`${operation}${where}: ${code}${message === undefined ? '' : `, ${message}`}`, { cause })
    this.code = code
    this.operation = operation
    this.path = path
    this.failedAt = failedAt
  }
}

/** Whether `error` is a `ZooKeeperError` with one of these codes. */
export const isCode = (error: unknown, ...codes: readonly ZooKeeperErrorCode[]): boolean =>
  error instanceof ZooKeeperError && codes.includes(error.code)
