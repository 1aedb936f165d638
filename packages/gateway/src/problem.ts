import { STATUS_CODES } from 'node:http'

const statuses = {
  /** The request's target is not a path, or has dot segments. */
  'bad-target': 400,
  /** The Host header is missing, repeated or not a host. */
  'bad-host': 400,
  /** A part of the request cannot be forwarded. */
  'bad-request': 400,
  /** No route matches. */
  'no-route': 404,
  /** CONNECT and TRACE are not forwarded. */
  'method-refused': 405,
  /** The body is larger than the route's `maxBodyBytes`. */
  'body-too-large': 413,
  /** The gateway itself failed. */
  internal: 500,
  /** The route's `maxRequests` are under way. */
  'too-many-requests': 503,
  /** No instance can be picked. */
  'no-instance': 503,
  /** The registry has not yet answered for the service. */
  'registry-unreachable': 503,
  /** The route is being removed, or the gateway is stopping. */
  closing: 503,
  /** No instance accepted a connection. */
  unreachable: 502,
  /** The connection broke before the response. */
  'connection-lost': 502,
  /** What the instance sent is not HTTP, or cannot be forwarded. */
  'bad-response': 502,
  /** TLS with the instance failed, e.g. its certificate was not trusted. */
  'tls-failed': 502,
  /** No connection within `timeouts.connectMs`. */
  'connect-timeout': 504,
  /** No response within `timeouts.responseMs` or `timeouts.callMs`. */
  'response-timeout': 504,
} as const

/** Why the gateway answers a request itself. */
export type RefusalReason = keyof typeof statuses

/** The answer of the gateway to a request that it does not forward, or cannot. */
export interface Refusal {
  readonly reason: RefusalReason
  readonly status: number
  /** For the client: never an address of an instance or of the registry. */
  readonly detail: string
  readonly service: string | undefined
  /** The error, for the access log and the diagnostics. */
  readonly cause: unknown
}

/** Makes a refusal. */
export const refusal = (
  reason: RefusalReason,
  detail: string,
  service?: string,
  cause?: unknown,
): Refusal => ({ reason, status: statuses[reason], detail, service, cause })

/** The response to a refused request: problem details (RFC 9457). */
export const problemResponse = ({
  reason,
  status,
  detail,
  service,
}: Refusal): { readonly headers: Readonly<Record<string, string>>; readonly body: string } => {
  const body = `${JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status], status, detail, reason, service })}\n`
  return {
    headers: {
      'content-type': 'application/problem+json',
      'content-length': String(Buffer.byteLength(body)),
      'cache-control': 'no-store',
      ...(status === 503 ? { 'retry-after': '1' } : {}),
      ...(status === 405 ? { allow: 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS' } : {}),
    },
    body,
  }
}

// https://github.com/grpc/grpc/blob/master/doc/statuscodes.md, and what gRPC makes of HTTP's statuses
const grpcStatuses: Readonly<Record<number, number>> = {
  400: 13,
  404: 12,
  405: 12,
  413: 8,
  500: 13,
  502: 14,
  503: 14,
  504: 4,
}

/** The response to a refused gRPC call: headers that are trailers at the same time. */
export const grpcProblem = ({
  status,
  detail,
  service,
  reason,
}: Refusal): Readonly<Record<string, string>> => ({
  'content-type': 'application/grpc',
  'grpc-status': String(grpcStatuses[status] ?? 2),
  // percent-encoded as gRPC over HTTP/2 prescribes
  'grpc-message': `${service === undefined ? '' : `${service}: `}${detail} (${reason})`.replace(
    /[^\x20-\x24\x26-\x7e]+/g,
    encodeURIComponent,
  ),
})
