/**
 * Service registration, discovery and watching over any backend. Applications usually start with
 * `createRegistry` of `@sd/registry`; backends implement `@sd/core/driver`.
 * @module
 */
export {
  type CallEvent,
  diagnosticChannels,
  type DiagnosticEvent,
  type DiagnosticTopic,
  type Logger,
  type ViewChangeEvent,
  type WriteEvent,
} from './runtime/diagnostics.ts'
export type {
  HealthState,
  RegistrationHealth,
  RegistryHealth,
  SessionHealth,
  SurvivedError,
  WatchHealth,
} from './health.ts'
export { type CheckOptions, type HealthCheck, runCheck } from './check/check-options.ts'
export { suggestion } from './driver/config/nearest-name.ts'
export type { Clock, Timer } from './runtime/clock.ts'
export type { Random } from './runtime/random.ts'
export { localAddress, type LocalAddressOptions } from './local-address.ts'
export {
  type InstanceEdit,
  type InstanceHealth,
  type InstanceInput,
  type InstancePatch,
  knownHealth,
  type ServiceInstance,
} from './model/service-instance.ts'
export { Registration, type WaitOptions } from './registration.ts'
export type { Operator, PingOptions, StoredRecords } from './operator.ts'
export type { Discovery } from './discovery.ts'
export type { Capabilities } from './driver/registry-driver.ts'
export type { Claim } from './model/claim.ts'
export type { InstanceRecord, RecordKey, SkippedRecord } from './model/instance-record.ts'
export type { RegisterOptions, Registrar } from './registrar.ts'
export { Registry } from './registry.ts'
export {
  type ErrorJson,
  RegistryError,
  type RegistryErrorCode,
  type RegistryErrorJson,
  show,
} from './registry-error.ts'
export {
  type LossProtectionOptions,
  registryOptionKeys,
  type RegistryOptions,
  resolveRegistryOptions,
} from './registry-options.ts'
export type { BackoffOptions } from './runtime/timing.ts'
export type { ConflictRule } from './registration/desired-registration.ts'
export type { RegistrationState, RegistrationStatus } from './registration/registration-state.ts'
export type { InstanceChange, ServiceChange, Staleness, WatchEvent } from './watch/watch-event.ts'
export type { BaseWatcher, AllWatcher, ServicesWatcher, Watcher } from './watcher.ts'
