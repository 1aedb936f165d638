import type { ZooKeeperErrorCode } from './zookeeper-error.ts'

export const connectionLossCode = -4

/** The server wants another login before any request (`SESSIONCLOSEDREQUIRESASLAUTH`). */
export const loginRequiredCode = -124

/** `org.apache.zookeeper.KeeperException.Code`. */
const codes: ReadonlyMap<number, ZooKeeperErrorCode> = new Map([
  [-1, 'SYSTEM_ERROR'],
  [-2, 'RUNTIME_INCONSISTENCY'],
  [-3, 'DATA_INCONSISTENCY'],
  [connectionLossCode, 'CONNECTION_LOSS'],
  [-5, 'MARSHALLING_ERROR'],
  [-6, 'UNIMPLEMENTED'],
  [-7, 'OPERATION_TIMEOUT'],
  [-8, 'BAD_ARGUMENTS'],
  [-100, 'API_ERROR'],
  [-101, 'NO_NODE'],
  [-102, 'NO_AUTH'],
  [-103, 'BAD_VERSION'],
  [-108, 'NO_CHILDREN_FOR_EPHEMERALS'],
  [-110, 'NODE_EXISTS'],
  [-111, 'NOT_EMPTY'],
  [-112, 'SESSION_EXPIRED'],
  [-114, 'INVALID_ACL'],
  [-115, 'AUTH_FAILED'],
  [-118, 'SESSION_MOVED'],
  [-119, 'NOT_READ_ONLY'],
  [-121, 'NO_WATCHER'],
  [loginRequiredCode, 'AUTH_FAILED'],
  [-125, 'QUOTA_EXCEEDED'],
  [-127, 'THROTTLED_OP'],
])

/** The name of a numeric code; `SYSTEM_ERROR` for an unknown one. */
export const errorCodeOf = (code: number): ZooKeeperErrorCode => codes.get(code) ?? 'SYSTEM_ERROR'
