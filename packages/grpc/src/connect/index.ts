/**
 * A transport for Connect clients to services by name.
 * @module
 */
export type { InstanceTransportOptions } from './instance-connection.ts'
export { type ServiceTransport, serviceTransport } from './service-transport.ts'
export type { ServiceTransportOptions } from './transport-options.ts'
