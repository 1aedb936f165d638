/**
 * Starts and stops a registered service without losing a request.
 * @module
 */
export { type AttachedApp, type AttachedService, attachService } from './attach-service.ts'
export type { AnyHttpServer } from './drain-http.ts'
export { type FastifyApp, type FastifyListenOptions, fastifyServer } from './fastify-server.ts'
export { type GrpcListenOptions, type GrpcServer, grpcServer } from './grpc-server.ts'
export {
  healthHandlers,
  type HealthHandlers,
  type HealthSource,
  type ProbeHandler,
} from './health-handlers.ts'
export { httpServer } from './http-server.ts'
export { type NestApp, nestServer } from './nest-server.ts'
export { ownAddress, type OwnAddressOptions } from './own-address.ts'
export { type LifecycleEvent, type LifecyclePhase, PhaseTimeoutError } from './phases.ts'
export {
  type RunningService,
  runService,
  type RunServiceOptions,
  type ServiceRegistry,
} from './run-service.ts'
export type { ListeningPort, ServiceServer } from './service-server.ts'
export { type IntegrationOptions, type ServiceRoute, serviceRoutes } from './service-routes.ts'
export type { StopResult } from './watch-process.ts'
export { weightHandler, type WeightHandler, type WeightHandlerOptions } from './weight-handler.ts'
