/**
 * The statuses that indicate a fault of the instance, not of the request: those that Envoy counts
 * as gRPC failures in outlier detection because they map to HTTP 5xx, without UNIMPLEMENTED, which
 * concerns the caller's method, and with RESOURCE_EXHAUSTED, which indicates an overloaded
 * instance. gRPC and Connect use the same numbers.
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

/**
 * The failure of an instance whose call ended with this status; `undefined` if it is not at fault.
 */
export const callFailure = (code: number, details: string): string | undefined => {
  const name = failures.get(code)
  return name === undefined ? undefined : `${name}: ${details}`
}
