import type { IncomingHttpHeaders } from 'node:http2'

const path = '/grpc.health.v1.Health/Check'
const serving = 1
/** gRPC status codes: https://grpc.io/docs/guides/status-codes/ */
const ok = 0
const unimplemented = 12

const varint = (value: number): readonly number[] =>
  value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)]

/**
 * A `HealthCheckRequest` with the message prefix of gRPC over HTTP/2: one byte for "not compressed", four
 * with the length.
 */
const requestFor = (service: string): Buffer => {
  const name = Buffer.from(service)
  // field 1, a string; an empty one is left out
  const message = Buffer.from(name.length === 0 ? [] : [0x0a, ...varint(name.length), ...name])
  const prefix = Buffer.alloc(5)
  prefix.writeUInt32BE(message.length, 1)
  return Buffer.concat([prefix, message])
}

/** The status in a `HealthCheckResponse`: field 1, an enum that fits one byte; 0 is left out. */
const statusIn = (body: Buffer): number => (body[5] === 0x08 ? (body[6] ?? 0) : 0)

const grpcStatusOf = (headers: IncomingHttpHeaders): number | undefined => {
  const text = headers['grpc-status']
  return text === undefined ? undefined : Number(text)
}

/**
 * A check that a server's `grpc.health.v1.Health/Check` answers SERVING for `service`. It speaks the
 * protocol over `node:http2`, with a new connection each time.
 * https://github.com/grpc/grpc/blob/v1.71.0/doc/PROTOCOL-HTTP2.md
 */
export const grpcCheck =
  (url: URL, service: string) =>
  (signal: AbortSignal): Promise<void> =>
    new Promise<void>((resolve, reject) => {
      // not imported above, as few processes check a gRPC server
      const { connect, constants } = process.getBuiltinModule('node:http2')
      const session = connect(`${url.protocol === 'grpcs:' ? 'https' : 'http'}://${url.host}`)
      const end = (problem?: string, cause?: unknown): void => {
        signal.removeEventListener('abort', onAbort)
        session.destroy()
        if (problem === undefined) resolve()
        else reject(new Error(`${url.host} ${problem}`, { cause }))
      }
      const onAbort = (): void => end('did not answer in time', signal.reason)
      const onError = (error: Error): void => end(`does not answer: ${error.message}`, error)
      signal.addEventListener('abort', onAbort, { once: true })
      if (signal.aborted) return onAbort()
      session.on('error', onError)
      const stream = session.request({
        [constants.HTTP2_HEADER_METHOD]: 'POST',
        [constants.HTTP2_HEADER_PATH]: path,
        [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
        [constants.HTTP2_HEADER_TE]: 'trailers',
      })
      const chunks: Buffer[] = []
      let status: number | undefined
      const take = (headers: IncomingHttpHeaders): void => {
        status = grpcStatusOf(headers) ?? status
      }
      stream.on('error', onError)
      stream.on('response', take)
      stream.on('trailers', take)
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      // trailers may come after the end of the data
      stream.on('close', () => {
        const name = service === '' ? 'the server' : `service ${JSON.stringify(service)}`
        if (status === unimplemented) end('has no health service (grpc.health.v1)')
        else if (status !== ok)
          end(`answers with the gRPC status ${status ?? 'missing'} for ${name}`)
        else if (statusIn(Buffer.concat(chunks)) === serving) end()
        else end(`says that ${name} is not serving`)
      })
      stream.end(requestFor(service))
    })
