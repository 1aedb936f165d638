/**
 * The statuses that speak against the instance, not against the request: those that Envoy counts as gRPC
 * failures in outlier detection because they map to HTTP 5xx, without UNIMPLEMENTED, which tells of the
 * caller's method, and with RESOURCE_EXHAUSTED, which tells of an overloaded instance. gRPC and Connect
 * number them alike.
 * https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/outlier
 */
const failures: ReadonlyMap<number, string> = new Map([
  [2, 'UNKNOWN'],
  [4, 'DEADLINE_EXCEEDED'],
  [8, 'RESOURCE_EXHAUSTED'],
  [13, 'INTERNAL'],
  [14, 'UNAVAILABLE'],
  [15, 'DATA_LOSS'],
])

/** What an instance did wrong when a call to it ended with this status; `undefined`: nothing. */
export const callFailure = (code: number, details: string): string | undefined => {
  const name = failures.get(code)
  return name === undefined ? undefined : `${name}: ${details}`
}
