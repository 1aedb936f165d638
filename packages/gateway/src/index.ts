/**
 * A reverse proxy by service name that follows the registry.
 * @module
 */
export { Gateway } from './gateway.ts'
export {
  type ConnectionUpgraded,
  type DrainBegan,
  type ExchangeFinished,
  type ExchangeKind,
  type ExchangeStarted,
  gatewayChannelName,
  type GatewayEvent,
  type RoutesReloaded,
} from './gateway-events.ts'
export type {
  ClientTimeouts,
  GatewayOptions,
  ListenOptions,
  StopOptions,
} from './gateway-options.ts'
export type { RefusalReason } from './problem.ts'
export type { RouteOptions, RouteTimeouts, RouteTls } from './route-options.ts'
