import type { Attributes } from '@opentelemetry/api'
import { RegistryError } from '@sd/core'

/**
 * What went wrong, in few distinct values (`error.type` of the semantic conventions): the code of a
 * `RegistryError`, else the name of the error.
 */
export const errorType = (error: unknown): string => {
  if (error instanceof RegistryError) return error.code
  return error instanceof Error ? error.name : '_OTHER'
}

// https://opentelemetry.io/docs/specs/semconv/registry/attributes/http/: `http.request.method`
const knownMethods: ReadonlySet<string> = new Set([
  'CONNECT',
  'DELETE',
  'GET',
  'HEAD',
  'OPTIONS',
  'PATCH',
  'POST',
  'PUT',
  'QUERY',
  'TRACE',
])

/** The method, or `_OTHER`: a client may send any. */
export const knownMethod = (method: string): string =>
  knownMethods.has(method) ? method : '_OTHER'

const defaultPorts: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 }

/** The attributes of a request to a service that its metrics and its span share. */
export const requestAttributes = (
  service: string,
  method: string,
  origin: string | undefined,
): Attributes => {
  const attributes: Attributes = {
    'sd.service': service,
    'http.request.method': knownMethod(method),
  }
  if (origin === undefined || !URL.canParse(origin)) return attributes
  const { protocol, hostname, port } = new URL(origin)
  return {
    ...attributes,
    'server.address': hostname,
    'server.port': port === '' ? (defaultPorts[protocol] ?? 0) : Number(port),
    'url.scheme': protocol.slice(0, -1),
  }
}

/** Where a request went: the address of the instance. */
export const peerAttributes = (endpoint: string | undefined): Attributes => {
  if (endpoint === undefined || !URL.canParse(endpoint)) return {}
  const { hostname, port } = new URL(endpoint)
  return {
    'network.peer.address': hostname.replace(/^\[|\]$/g, ''),
    ...(port === '' ? {} : { 'network.peer.port': Number(port) }),
  }
}

/** How a request ended: `http.response.status_code`, and `error.type` from 400 on and for an error. */
export const outcomeAttributes = (status: number | undefined, cause: unknown): Attributes => ({
  ...(status === undefined ? {} : { 'http.response.status_code': status }),
  ...(cause !== undefined
    ? { 'error.type': errorType(cause) }
    : status !== undefined && status >= 400
      ? { 'error.type': String(status) }
      : {}),
})
