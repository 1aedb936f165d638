/**
 * The front door: a service registry from one line of configuration, on the backend it names.
 * @module
 */
export {
  type BackoffOptions,
  type BaseWatcher,
  type CatalogWatcher,
  type DiagnosticEvent,
  type DiagnosticTopic,
  diagnosticChannels,
  type Discovery,
  type InstanceChange,
  type InstanceInput,
  type InstancePatch,
  localAddress,
  type LocalAddressOptions,
  type Logger,
  type LossProtectionOptions,
  type RegisterOptions,
  type Registrar,
  Registration,
  type RegistrationHealth,
  type RegistrationState,
  type RegistrationStatus,
  Registry,
  RegistryError,
  type RegistryErrorCode,
  type RegistryHealth,
  type RegistryOptions,
  type ServiceChange,
  type ServiceInstance,
  type ServicesWatcher,
  type SessionHealth,
  type Staleness,
  type SurvivedError,
  type WaitOptions,
  type Watcher,
  type WatchEvent,
  type WatchHealth,
} from '@sd/core'
export { createRegistry, resolveBackend, type ResolvedBackend } from './create-registry.ts'
export { parseRegistryUrl } from './parse-registry-url.ts'
export type {
  BackendName,
  CustomRegistryConfig,
  EtcdRegistryConfig,
  MemoryRegistryConfig,
  RegistryConfig,
  RegistrySource,
  TlsFiles,
} from './registry-config.ts'
