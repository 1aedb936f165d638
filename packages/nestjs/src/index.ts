/**
 * Nest module: registers the application while it listens, and leaves without a lost request.
 * @module
 */
export { nestLogger } from './nest-logger.ts'
export { runNest } from './run-nest.ts'
export { ServiceDiscoveryModule, type ServiceDiscoveryOptions } from './service-discovery-module.ts'
export { InjectRegistry, REGISTRY, ServiceLifecycle } from './service-lifecycle.ts'
