/**
 * gRPC to services by name: a resolver and a load-balancing policy for grpc-js, and the graceful
 * registration of a server. Connect is at `@sd/grpc/connect`.
 * @module
 */
export {
  decodeHealthCheckRequest,
  decodeHealthCheckResponse,
  encodeHealthCheckRequest,
  encodeHealthCheckResponse,
  type HealthCheckRequest,
  type HealthCheckResponse,
  type HealthImplementation,
  healthServiceDefinition,
  type ServingStatus,
} from './health/health-protocol.ts'
export { HealthService } from './health/health-service.ts'
export {
  type RegisteredResolver,
  registerResolver,
  type ResolverOptions,
} from './register-resolver.ts'
export type { RetryOptions } from './resolver/retry-options.ts'
export { parseServiceTarget, type ServiceTarget } from './resolver/service-target.ts'
export { rpcChannelName, type RpcEvent, type RpcMetadata } from './rpc-events.ts'
export type { ServedInstance, ServeOptions } from './serve/serve-options.ts'
export { type ServedRegistration, serveRegistered } from './serve/serve-registered.ts'
export type { StopOutcome } from './serve/stop-server.ts'
