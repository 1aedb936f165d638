import { status } from '@grpc/grpc-js'
import type { Outcome } from '@sd/balancer'

/**
 * The statuses that speak against the instance, not against the request: those that Envoy counts as
 * gRPC failures in outlier detection because they map to HTTP 5xx, without UNIMPLEMENTED, which tells
 * of the caller's method, and with RESOURCE_EXHAUSTED, which tells of an overloaded instance.
 * https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/outlier
 */
const failures: ReadonlySet<status> = new Set([
  status.UNKNOWN,
  status.DEADLINE_EXCEEDED,
  status.RESOURCE_EXHAUSTED,
  status.INTERNAL,
  status.UNAVAILABLE,
  status.DATA_LOSS,
])

/** What a call's status says of the instance that it went to. */
export const callOutcome = (code: status, details: string): Outcome =>
  failures.has(code) ? { error: `${status[code]}: ${details}` } : {}
