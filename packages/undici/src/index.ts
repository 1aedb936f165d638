/**
 * HTTP to services by name: a dispatcher for undici and the built-in fetch, an agent for node:http.
 * @module
 */
export { CallError } from './call-error.ts'
export type {
  CallRequest,
  HedgeOptions,
  RetryOptions,
  ServiceDispatcherOptions,
  ServiceOptions,
  TimeoutOptions,
} from './dispatcher-options.ts'
export { requestChannelName, type RequestEvent, type RequestHeaders } from './request-events.ts'
export { ServiceAgent, type ServiceAgentOptions } from './service-agent.ts'
export { type DispatcherStats, ServiceDispatcher } from './service-dispatcher.ts'
