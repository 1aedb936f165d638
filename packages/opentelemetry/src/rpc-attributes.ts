import type { Attributes } from '@opentelemetry/api'

// https://github.com/grpc/grpc/blob/master/doc/statuscodes.md, by number
const statusNames = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const

/**
 * The attributes of a gRPC call that its span and its metric share. `method`: `orders.v1.Orders/Get`.
 * https://opentelemetry.io/docs/specs/semconv/rpc/grpc/
 */
export const rpcAttributes = (
  service: string | undefined,
  method: string,
  authority: string | undefined,
): Attributes => {
  const { hostname, port } = URL.parse(`grpc://${authority ?? ''}`) ?? { hostname: '', port: '' }
  return {
    'rpc.system.name': 'grpc',
    'rpc.method': method,
    ...(service === undefined ? {} : { 'sd.service': service }),
    ...(hostname === '' ? {} : { 'server.address': hostname }),
    ...(port === '' ? {} : { 'server.port': Number(port) }),
  }
}

/** How a call ended: `rpc.response.status_code`, and `error.type` for each status but OK. */
export const rpcOutcomeAttributes = (code: number | undefined): Attributes => {
  // a status that gRPC does not know is UNKNOWN
  const name = statusNames[code ?? 2] ?? 'UNKNOWN'
  return {
    'rpc.response.status_code': name,
    ...(name === 'OK' ? {} : { 'error.type': name }),
  }
}
