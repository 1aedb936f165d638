/**
 * A reverse proxy by service name that follows the registry.
 * @module
 */
export type { AccessLogFormat, AccessLogOptions } from './access-log.ts'
export type { FrontTls } from './front.ts'
export { Gateway } from './gateway.ts'
export {
  type ConnectionUpgraded,
  type DrainBegan,
  type ExchangeFinished,
  type ExchangeKind,
  type ExchangeStarted,
  gatewayChannelName,
  type GatewayEvent,
  type InstancePicked,
  type RoutesReloaded,
} from './gateway-events.ts'
export type {
  ClientTimeouts,
  GatewayOptions,
  ListenOptions,
  StopOptions,
} from './gateway-options.ts'
export type { RefusalReason } from './problem.ts'
export { type GatewayMetrics, prometheusMetrics } from './prometheus-metrics.ts'
export type { RouteOptions, RouteTimeouts, RouteTls } from './route-options.ts'
