import type {
  handleServerStreamingCall,
  handleUnaryCall,
  MethodDefinition,
  ServiceDefinition,
  UntypedServiceImplementation,
} from '@grpc/grpc-js'

/**
 * The statuses of a service, as `grpc.health.v1` numbers them.
 * https://github.com/grpc/grpc/blob/v1.71.0/src/proto/grpc/health/v1/health.proto
 */
const servingStatuses = {
  UNKNOWN: 0,
  SERVING: 1,
  NOT_SERVING: 2,
  /** Reported by `Watch` only: the server does not know the service. */
  SERVICE_UNKNOWN: 3,
} as const

/** A status by its name in the protocol. */
export type ServingStatus = keyof typeof servingStatuses

/** `HealthCheckRequest`: the service to check; the empty name means the server as a whole. */
export interface HealthCheckRequest {
  readonly service: string
}

/** `HealthCheckResponse`. */
export interface HealthCheckResponse {
  readonly status: ServingStatus
}

// https://protobuf.dev/programming-guides/encoding/: a tag is a field number and, in the low
// three bits, a wire type
const varint = 0
const fixed64 = 1
const lengthDelimited = 2
const fixed32 = 5
const serviceTag = (1 << 3) | lengthDelimited
const statusTag = (1 << 3) | varint

const writeVarint = (value: number): number[] => {
  const bytes: number[] = []
  let rest = value
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80)
    rest >>>= 7
  }
  bytes.push(rest)
  return bytes
}

/**
 * Reads the fields of a message of strings and varints. Skips unknown fields, as proto3 requires.
 */
const readFields = (
  message: Uint8Array,
  onField: (tag: number, value: number, bytes: Uint8Array | undefined) => void,
): void => {
  let at = 0
  const readVarint = (): number => {
    let value = 0
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = message[at++]
      if (byte === undefined) throw new Error(`the message ends within a varint at byte ${at - 1}`)
      // no field of this protocol uses bits beyond 32
      if (shift < 32) value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    throw new Error(`a varint of more than ten bytes ends at byte ${at - 1}`)
  }
  const skip = (length: number): Uint8Array => {
    if (at + length > message.length)
      throw new Error(`a field of ${length} bytes begins at byte ${at} of ${message.length}`)
    at += length
    return message.subarray(at - length, at)
  }
  while (at < message.length) {
    const tag = readVarint()
    const wireType = tag & 7
    if (wireType === varint) onField(tag, readVarint(), undefined)
    else if (wireType === lengthDelimited) onField(tag, 0, skip(readVarint()))
    else if (wireType === fixed64) skip(8)
    else if (wireType === fixed32) skip(4)
    else throw new Error(`wire type ${wireType} at byte ${at - 1} is not one of 0, 1, 2 and 5`)
  }
}

/** Encodes a `HealthCheckRequest`. */
export const encodeHealthCheckRequest = ({ service }: HealthCheckRequest): Buffer => {
  if (service === '') return Buffer.alloc(0)
  const name = Buffer.from(service)
  return Buffer.concat([Buffer.from([serviceTag, ...writeVarint(name.length)]), name])
}

/** Decodes a `HealthCheckRequest`. @throws Error when the bytes are no protobuf message */
export const decodeHealthCheckRequest = (message: Uint8Array): HealthCheckRequest => {
  let service = ''
  readFields(message, (tag, _, bytes) => {
    if (tag === serviceTag && bytes !== undefined) service = Buffer.from(bytes).toString()
  })
  return { service }
}

/** Encodes a `HealthCheckResponse`. */
export const encodeHealthCheckResponse = ({ status }: HealthCheckResponse): Buffer => {
  const number = servingStatuses[status]
  // proto3 omits a zero
  return number === 0 ? Buffer.alloc(0) : Buffer.from([statusTag, number])
}

const statusNames = Object.keys(servingStatuses) as readonly ServingStatus[]

/** Decodes a `HealthCheckResponse`. A status of a later protocol version becomes `UNKNOWN`. */
export const decodeHealthCheckResponse = (message: Uint8Array): HealthCheckResponse => {
  let status: ServingStatus = 'UNKNOWN'
  readFields(message, (tag, value) => {
    if (tag === statusTag) status = statusNames[value] ?? 'UNKNOWN'
  })
  return { status }
}

const method = (
  name: string,
  responseStream: boolean,
): MethodDefinition<HealthCheckRequest, HealthCheckResponse> => ({
  path: `/grpc.health.v1.Health/${name}`,
  requestStream: false,
  responseStream,
  requestSerialize: encodeHealthCheckRequest,
  requestDeserialize: decodeHealthCheckRequest,
  responseSerialize: encodeHealthCheckResponse,
  responseDeserialize: decodeHealthCheckResponse,
})

/** The implementation of `grpc.health.v1.Health`, as grpc-js accepts it. */
export interface HealthImplementation extends UntypedServiceImplementation {
  readonly Check: handleUnaryCall<HealthCheckRequest, HealthCheckResponse>
  readonly Watch: handleServerStreamingCall<HealthCheckRequest, HealthCheckResponse>
}

/**
 * The service `grpc.health.v1.Health` with its methods `Check` and `Watch`, for grpc-js. A client of it is
 * `new (makeClientConstructor(healthServiceDefinition, 'grpc.health.v1.Health'))(target, credentials)`.
 */
export const healthServiceDefinition: ServiceDefinition<HealthImplementation> = {
  Check: method('Check', false),
  Watch: method('Watch', true),
}
