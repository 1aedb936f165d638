/**
 * The API for backend authors. Applications import `@sd/core`.
 * @module
 */
export { abortable, type CallSubject, sleep, withDeadline } from './runtime/abort.ts'
export {
  ConfigCheck,
  type HeartbeatConfig,
  type LoopHeartbeatConfig,
  type TlsConfig,
} from './driver/config/config-check.ts'
export { nearestName, suggestion } from './driver/config/nearest-name.ts'
export { RegistryError, type RegistryErrorCode, show } from './registry-error.ts'
export { Channel } from './runtime/channel.ts'
export type { Clock, Timer } from './runtime/clock.ts'
export {
  createDriverContext,
  type DriverContext,
  type DriverEvent,
  type DriverFactory,
} from './driver/driver-context.ts'
export type { Random } from './runtime/random.ts'
export { groupBySize, inParallel } from './runtime/batches.ts'
export { Wake } from './runtime/wake.ts'
export {
  type DecodedRecord,
  decodeRecord,
  isReadable,
  servicesOf,
  toContents,
} from './driver/decoded-record.ts'
export {
  type DriverErrors,
  driverErrors,
  type FailureMeaning,
  messageOf,
} from './driver/driver-errors.ts'
export {
  auditRecord,
  editedValue,
  type ExistingRecord,
  isHeldBy,
  type OwnSession,
  putConflict,
  removalRefusal,
} from './driver/ownership.ts'
export {
  auditOwned,
  commonService,
  type ConditionalStore,
  type ConditionalWrite,
  type FoundRecord,
  putOwned,
  removeOwned,
  removeStraysOwned,
  type SentRecord,
  SentRecords,
  type WriteResult,
  type WritingSession,
} from './driver/write-owned.ts'
export { jsonFormat } from './driver/json-format.ts'
export { kratosFormat } from './driver/kratos-format.ts'
export {
  decodeExtras,
  decodeWith,
  encodeExtras,
  extraFields,
  extrasKey,
  isJsonObject,
  type JsonObject,
  Malformed,
  parseObject,
  readDocument,
  readNatural,
  readPairs,
  readString,
  readStrings,
  readText,
  readWeight,
} from './driver/document.ts'
export {
  addressesOf,
  addressOf,
  bareHost,
  type EndpointAddress,
  noAddress,
  preferredAddress,
  urlHost,
} from './driver/endpoint-address.ts'
export { decodeByName, keysByName } from './driver/keys-by-name.ts'
export { takenEntry, takeWeight, weightEntry, withoutEntries } from './driver/metadata-entries.ts'
export {
  type Audit,
  type Capabilities,
  type Contents,
  type Cursor,
  type Diagnosis,
  type DriverSession,
  type EditOutcome,
  type FormatCarrier,
  type Observation,
  type OwnedRef,
  type Progress,
  type PutOutcome,
  type PutRequest,
  type RegistryDriver,
  type RemoveOutcome,
  type Scope,
  toCursor,
} from './driver/registry-driver.ts'
export {
  highestRecord,
  type InstanceRecord,
  type RecordKey,
  type SkippedRecord,
  toRecordKey,
} from './model/instance-record.ts'
export type { DecodedDocument, FormatPart, WireFormat } from './driver/wire-format.ts'
export { type DriverCall, type DriverHooks, wrapDriver } from './driver/wrap-driver.ts'
export { type Claim, compareClaims } from './model/claim.ts'
export { decodeName, encodeName } from './model/name-encoding.ts'
export {
  defaultWeight,
  maxWeight,
  sameInstance,
  type ServiceInstance,
} from './model/service-instance.ts'
export {
  HeartbeatWorker,
  type HeartbeatWorkerOptions,
  type KeptSession,
} from './session/heartbeat-worker.ts'
export {
  type ConnectHeartbeats,
  type RenewableSession,
  serveHeartbeats,
} from './session/serve-heartbeats.ts'
export { type ThreadOptions, threadOptions } from './session/thread-options.ts'
export { type TlsRefusal, tlsRefusal } from './driver/tls-refusal.ts'
