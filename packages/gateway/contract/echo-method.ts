import type { MethodDefinition } from '@grpc/grpc-js'

const bytes = (message: Buffer): Buffer => message

/** A unary method of gRPC with bytes as messages. */
export const echoMethod: MethodDefinition<Buffer, Buffer> = {
  path: '/test.Echo/Unary',
  requestStream: false,
  responseStream: false,
  requestSerialize: bytes,
  requestDeserialize: bytes,
  responseSerialize: bytes,
  responseDeserialize: bytes,
}
