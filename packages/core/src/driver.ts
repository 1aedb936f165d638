/**
 * What a backend is written against. Applications import `@sd/core`; this is for backend authors.
 * @module
 */
export { abortable } from './driver/abort.ts'
export { ConfigCheck, type TlsConfig } from './driver/config/config-check.ts'
export { nearestName, suggestion } from './driver/config/nearest-name.ts'
export { show } from './model/show.ts'
export { Channel } from './driver/channel.ts'
export type {
  Clock,
  DriverContext,
  DriverEvent,
  DriverFactory,
  Random,
  Timer,
} from './driver/driver-context.ts'
export { groupBySize } from './driver/group-by-size.ts'
export {
  editedRequest,
  isAsRead,
  isHeldBy,
  putConflict,
  type Standing,
} from './driver/ownership.ts'
export { jsonFormat } from './driver/json-format.ts'
export {
  type Audit,
  type Capabilities,
  type Contents,
  type Cursor,
  type Diagnosis,
  type DriverSession,
  type EditOutcome,
  type InstanceRecord,
  type Observation,
  type OwnedRef,
  type PutOutcome,
  type PutRequest,
  type RecordKey,
  type RegistryDriver,
  type RemoveOutcome,
  type Scope,
  type SkippedRecord,
  toCursor,
  toRecordKey,
} from './driver/registry-driver.ts'
export type { WireFormat } from './driver/wire-format.ts'
export { type Claim, claimWins, compareClaims } from './model/claim.ts'
export { decodeName, encodeName } from './model/name-encoding.ts'
export { type ServiceInstance, sameInstance } from './model/service-instance.ts'
export { RegistryError, type RegistryErrorCode } from './registry-error.ts'
export { type CallSubject, withDeadline } from './runtime/deadline.ts'
export { createDriverContext } from './runtime/driver-context.ts'
export { inParallel } from './runtime/in-parallel.ts'
export { sleep } from './runtime/sleep.ts'
