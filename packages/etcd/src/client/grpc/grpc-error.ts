/** Status codes of https://grpc.io/docs/guides/status-codes, in their order. */
const names = [
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

/** The name of a status code. */
export type GrpcStatus = (typeof names)[number]

/** A call that failed: the status that the server sent, or the one for what happened to the call. */
export class GrpcError extends Error {
  override readonly name = 'GrpcError'
  readonly status: GrpcStatus

  /** `endpoint`: the URL of the server; `details`: its text, or what happened. */
  constructor(status: GrpcStatus, endpoint: string, details: string, cause?: unknown) {
    super(`${endpoint}: ${status}: ${details}`, cause === undefined ? {} : { cause })
    this.status = status
  }
}

/** The status of a number in `grpc-status`; `UNKNOWN` for any other text, as the protocol asks. */
export const statusOf = (code: string): GrpcStatus =>
  (/^\d{1,2}$/.test(code) ? names[Number(code)] : undefined) ?? 'UNKNOWN'

/** The text of `grpc-message`, which is percent-encoded UTF-8; as it is if that is malformed. */
export const detailsOf = (message: string): string => {
  try {
    return decodeURIComponent(message)
  } catch {
    return message
  }
}

/** The status of a response that is not 200 (`doc/http-grpc-status-mapping.md` of grpc). */
export const statusOfHttp = (httpStatus: number): GrpcStatus => {
  if (httpStatus === 400) return 'INTERNAL'
  if (httpStatus === 401) return 'UNAUTHENTICATED'
  if (httpStatus === 403) return 'PERMISSION_DENIED'
  if (httpStatus === 404) return 'UNIMPLEMENTED'
  return [429, 502, 503, 504].includes(httpStatus) ? 'UNAVAILABLE' : 'UNKNOWN'
}
