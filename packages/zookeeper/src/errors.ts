import {
  type DriverErrors,
  driverErrors,
  type RegistryErrorCode,
  tlsRefusal,
} from '@sd/core/driver'
import { ZooKeeperError, type ZooKeeperErrorCode } from './client/zookeeper-error.ts'

/** The backend's name in every error and in the driver. */
export const backend = 'zookeeper'

/** The meaning of ZooKeeper's codes; a code that is not listed is `internal`. */
const codes: Readonly<Partial<Record<ZooKeeperErrorCode, RegistryErrorCode>>> = {
  CONNECTION_LOSS: 'unavailable',
  SESSION_MOVED: 'unavailable',
  THROTTLED_OP: 'unavailable',
  QUOTA_EXCEEDED: 'unavailable',
  NOT_READ_ONLY: 'unavailable',
  OPERATION_TIMEOUT: 'timeout',
  SESSION_EXPIRED: 'session-lost',
  NO_AUTH: 'permission-denied',
  AUTH_FAILED: 'permission-denied',
  INVALID_ACL: 'permission-denied',
  BAD_ARGUMENTS: 'invalid-argument',
  NO_CHILDREN_FOR_EPHEMERALS: 'invalid-argument',
  TOO_LARGE: 'invalid-argument',
  UNIMPLEMENTED: 'unsupported',
}

/** Advice for errors that need an action of the user. */
const advice: Readonly<Partial<Record<ZooKeeperErrorCode, string>>> = {
  NO_AUTH: 'the node belongs to other credentials; check username and password',
  NO_CHILDREN_FOR_EPHEMERALS:
    'a record of the namespace above is stored at the path of this service; choose another name or namespace',
  QUOTA_EXCEEDED: "the namespace's quota is used up; raise it (setquota)",
}

const errors: DriverErrors = driverErrors(backend, (cause) => {
  if (!(cause instanceof ZooKeeperError)) return { code: 'internal' }
  const refusal = cause.code === 'CONNECTION_LOSS' ? tlsRefusal(cause.message) : undefined
  if (refusal) return { code: refusal.code, message: `${cause.message}${refusal.advice}` }
  const remedy = advice[cause.code]
  const message = remedy === undefined ? cause.message : `${cause.message}: ${remedy}`
  return { code: codes[cause.code] ?? 'internal', message }
})

/** Creates an error that this driver itself raises. */
export const zookeeperError: DriverErrors['error'] = errors.error

/** Converts an error of a client call into a `RegistryError`; returns a `RegistryError` unchanged. */
export const toRegistryError: DriverErrors['toRegistryError'] = errors.toRegistryError
