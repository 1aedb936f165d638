/**
 * Metrics and traces for OpenTelemetry, of registries and of calls to services by name.
 * @module
 */
export type {
  BalancerMessage,
  GatewayMessage,
  PickMessage,
  RequestHeaders,
  RequestMessage,
  RpcMessage,
} from './channel-messages.ts'
export { type Instrumentation, instrument, type InstrumentOptions } from './instrument.ts'
