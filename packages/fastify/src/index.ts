/**
 * Fastify plugin: registers the application while it listens, and leaves without a lost request.
 * @module
 */
export { serviceDiscovery, type ServiceDiscoveryOptions } from './service-discovery.ts'
