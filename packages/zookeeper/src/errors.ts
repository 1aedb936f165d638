import { type DriverErrors, driverErrors, type RegistryErrorCode } from '@sd/core/driver'
import { ZooKeeperError, type ZooKeeperErrorCode } from './client/zookeeper-error.ts'

/** The name that every error and the driver bear. */
export const backend = 'zookeeper'

/** What ZooKeeper's codes mean; one that is not listed is `internal`. */
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

/** What to do about those that a person must do something about. */
const advice: Readonly<Partial<Record<ZooKeeperErrorCode, string>>> = {
  NO_AUTH: 'the node belongs to other credentials; check username and password',
  AUTH_FAILED: 'the server refuses the credentials; check username and password',
  NO_CHILDREN_FOR_EPHEMERALS:
    'a record of the namespace above has the name of this service; choose another name or namespace',
  QUOTA_EXCEEDED: "the namespace's quota is used up; raise it (setquota)",
}

const errors: DriverErrors = driverErrors(backend, (cause) => {
  if (!(cause instanceof ZooKeeperError)) return { code: 'internal' }
  const remedy = advice[cause.code]
  const message = remedy === undefined ? cause.message : `${cause.message}: ${remedy}`
  return { code: codes[cause.code] ?? 'internal', message }
})

/** An error that this driver raises by itself. */
export const zookeeperError: DriverErrors['error'] = errors.error

/** Turns whatever a client call threw into a `RegistryError`; one of those passes unchanged. */
export const toRegistryError: DriverErrors['toRegistryError'] = errors.toRegistryError
