import { getEventListeners, once } from 'node:events'
import {
  createSecureServer,
  createServer,
  type Http2Server,
  type Http2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { runCheck } from '../../src/check/check-options.ts'
import { certificate, privateKey } from '../self-signed.ts'

const servers: Http2Server[] = []
const sessions = new Set<Http2Session>()
afterEach(() => {
  for (const session of sessions) session.destroy()
  for (const server of servers.splice(0)) server.close()
})

interface Asked {
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** A server at the level of HTTP/2 frames; packages/grpc checks a server of grpc-js. */
const serve = async (
  answer: (stream: ServerHttp2Stream) => void,
  server: Http2Server = createServer(),
): Promise<{ readonly host: string; readonly asked: readonly Asked[] }> => {
  const asked: Asked[] = []
  servers.push(server)
  server.on('session', (session) => {
    sessions.add(session)
    session.on('close', () => sessions.delete(session))
  })
  server.on('stream', (stream, headers) => {
    const chunks: Buffer[] = []
    stream.on('error', () => {})
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('end', () => {
      asked.push({ headers, body: Buffer.concat(chunks) })
      answer(stream)
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

/** Answers with a message and a status, as gRPC does after it has begun to answer. */
const answering =
  (message: readonly number[], status = '0') =>
  (stream: ServerHttp2Stream): void => {
    stream.respond({ ':status': 200 }, { waitForTrailers: true })
    stream.on('wantTrailers', () =>
      stream.sendTrailers(status === '' ? {} : { 'grpc-status': status }),
    )
    const prefix = [0, 0, 0, 0, message.length]
    // in two parts, as frames may split a message anywhere
    stream.write(Buffer.from(prefix.slice(0, 2)))
    stream.end(Buffer.from([...prefix.slice(2), ...message]))
  }

/** Answers with headers alone. */
const refusing =
  (status: string) =>
  (stream: ServerHttp2Stream): void =>
    stream.respond({ ':status': 200, 'grpc-status': status }, { endStream: true })

const serving = answering([0x08, 1])

const resultOf = async (grpc: string, service?: string, signal = AbortSignal.timeout(5_000)) => {
  try {
    await runCheck(service === undefined ? { grpc } : { grpc, service }, signal)
    return 'passing'
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

const textOf = async (...args: Parameters<typeof resultOf>): Promise<string> => {
  const result = await resultOf(...args)
  return result instanceof Error ? result.message : result
}

test.each([
  ['SERVING', serving, undefined, 'passing'],
  [
    'UNKNOWN, the default, which is left out',
    answering([]),
    undefined,
    'the server is not serving',
  ],
  ['UNKNOWN', answering([0x08, 0]), undefined, 'the server is not serving'],
  ['NOT_SERVING', answering([0x08, 2]), 'orders', 'says that service "orders" is not serving'],
  ['another field', answering([0x10, 1]), 'orders', 'is not serving'],
  ['UNIMPLEMENTED', refusing('12'), 'orders', 'has no health service (grpc.health.v1)'],
  ['NOT_FOUND', refusing('5'), 'orders', 'answers with the gRPC status 5 for service "orders"'],
  [
    'an error after a message',
    answering([0x08, 1], '13'),
    undefined,
    'the gRPC status 13 for the server',
  ],
  ['no status', answering([0x08, 1], ''), undefined, 'the gRPC status missing for the server'],
])('an answer of %s', async (_, answer, service, result) => {
  const { host } = await serve(answer)
  expect(await textOf(host, service)).toContain(result)
})

test.each([
  ['', []],
  ['ä', [0x0a, 2, 0xc3, 0xa4]],
  ['x'.repeat(127), [0x0a, 127, ...Buffer.from('x'.repeat(127))]],
  ['x'.repeat(128), [0x0a, 0x80, 1, ...Buffer.from('x'.repeat(128))]],
  ['x'.repeat(300), [0x0a, 0xac, 2, ...Buffer.from('x'.repeat(300))]],
])('asks for the service "%s" as the protocol says', async (service, message) => {
  const { host, asked } = await serve(serving)
  expect(await textOf(`grpc://${host}`, service)).toBe('passing')
  const prefix = Buffer.alloc(5)
  prefix.writeUInt32BE(message.length, 1)
  expect(asked).toMatchObject([
    {
      headers: {
        ':method': 'POST',
        ':path': '/grpc.health.v1.Health/Check',
        ':scheme': 'http',
        'content-type': 'application/grpc',
        te: 'trailers',
      },
    },
  ])
  expect(asked[0]?.body).toEqual(Buffer.concat([prefix, Buffer.from(message)]))
})

test('ends its connection and stops listening to its signal, whatever the result', async () => {
  const { host } = await serve(serving)
  const hanging = await serve(() => {})
  const { signal } = new AbortController()
  expect(await textOf(host, undefined, signal)).toBe('passing')
  expect(getEventListeners(signal, 'abort')).toEqual([])
  const reason = new Error('enough')
  const controller = new AbortController()
  const pending = resultOf(hanging.host, undefined, controller.signal)
  while (hanging.asked.length === 0) await new Promise(setImmediate)
  controller.abort(reason)
  expect(await pending).toMatchObject({
    message: expect.stringContaining('in time'),
    cause: reason,
  })
  expect(await textOf(host, undefined, AbortSignal.abort(reason))).toContain('in time')
  const deadlineMs = Date.now() + 2_000
  while (sessions.size > 0 && Date.now() < deadlineMs) await new Promise(setImmediate)
  expect(sessions.size).toBe(0)
})

test('a refused connection is the cause', async () => {
  expect(await resultOf('127.0.0.1:1')).toMatchObject({
    message: expect.stringMatching(/^127\.0\.0\.1:1 does not answer: .*ECONNREFUSED/),
    cause: expect.any(Error),
  })
})

test('grpcs uses TLS', async () => {
  const { host } = await serve(serving, createSecureServer({ cert: certificate, key: privateKey }))
  expect(await textOf(`grpcs://${host}`)).toMatch(/self-signed certificate/)
  expect(await textOf(`grpc://${host}`)).not.toMatch(/certificate|passing/)
})
