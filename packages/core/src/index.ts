export { RegistryError, type RegistryErrorCode } from './registry-error.ts'
export type { InstanceInput, InstancePatch, ServiceInstance } from './model/service-instance.ts'
