import { once } from 'node:events'
import http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import {
  credentials,
  Client,
  Metadata,
  Server,
  ServerCredentials,
  type ServiceError,
  status,
} from '@grpc/grpc-js'
import { createCertificates } from '@sd/contract-tests/servers'
import { describe, expect, test } from 'vitest'
import { World } from './world.ts'

const bytes = (message: Buffer): Buffer => message
const method = (name: string, streams: boolean) => ({
  path: `/test.Echo/${name}`,
  requestStream: streams,
  responseStream: streams,
  requestSerialize: bytes,
  requestDeserialize: bytes,
  responseSerialize: bytes,
  responseDeserialize: bytes,
})
const service = { unary: method('Unary', false), chat: method('Chat', true) }

/** Registers a server of gRPC that echoes, with its metadata as trailers. `fail` fails the call. */
const echoServer = async (world: World, id = ''): Promise<Server> => {
  const server = new Server()
  server.addService(service, {
    unary: (
      call: { request: Buffer; metadata: Metadata },
      callback: (error: Partial<ServiceError> | null, answer?: Buffer, trailer?: Metadata) => void,
    ) => {
      const trailer = new Metadata()
      trailer.set('x-host', String(call.metadata.get('x-forwarded-host')[0] ?? ''))
      trailer.set('x-bin', call.metadata.get('a-bin')[0] ?? Buffer.alloc(0))
      if (call.request.toString() === 'fail')
        callback({ code: status.FAILED_PRECONDITION, details: 'no ünit' })
      else callback(null, Buffer.concat([Buffer.from(id), call.request]), trailer)
    },
    chat: (call: NodeJS.ReadWriteStream) => void call.pipe(call),
  })
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  )
  world.use({ [Symbol.asyncDispose]: async () => server.forceShutdown() })
  await world.register(port, 'orders', 'grpc')
  return server
}

interface Answer {
  readonly error: ServiceError | null
  readonly text: string
  readonly trailers: Metadata
}

class Echo {
  readonly client: Client

  constructor(address: string, channel = credentials.createInsecure()) {
    this.client = new Client(address, channel, { 'grpc.enable_retries': 0 })
  }

  unary(text: string, metadata = new Metadata(), deadlineMs = 10_000): Promise<Answer> {
    return new Promise((resolve) => {
      let [error, answer]: [ServiceError | null, string] = [null, '']
      this.client
        .makeUnaryRequest(
          service.unary.path,
          bytes,
          bytes,
          Buffer.from(text),
          metadata,
          { deadline: Date.now() + deadlineMs },
          (failed, message) => {
            error = failed
            answer = message?.toString() ?? ''
          },
        )
        .on('status', ({ metadata: trailers }) => resolve({ error, text: answer, trailers }))
    })
  }
}

const echoThrough = (world: World): Echo => {
  const echo = new Echo(`127.0.0.1:${world.port}`)
  world.use({ [Symbol.asyncDispose]: async () => echo.client.close() })
  return echo
}

describe('gRPC', () => {
  test('passes unary calls with metadata and trailers', async () => {
    await using world = await World.create()
    await echoServer(world)
    const gateway = await world.gateway()
    const metadata = new Metadata()
    metadata.set('a-bin', Buffer.from([0, 255]))
    const { error, text, trailers } = await echoThrough(world).unary('hello', metadata)
    expect(error).toBeNull()
    expect(text).toBe('hello')
    expect(trailers.get('x-host')).toEqual([`127.0.0.1:${world.port}`])
    expect(trailers.get('x-bin')).toEqual([Buffer.from([0, 255])])
    await expect.poll(() => gateway.requests).toBe(0)
  })

  test('passes the status of a call that fails', async () => {
    await using world = await World.create()
    await echoServer(world)
    await world.gateway()
    expect((await echoThrough(world).unary('fail')).error).toMatchObject({
      code: status.FAILED_PRECONDITION,
      details: 'no ünit',
    })
  })

  test('passes messages of both sides as they come', async () => {
    await using world = await World.create()
    await echoServer(world)
    const gateway = await world.gateway()
    const { client } = echoThrough(world)
    const call = client.makeBidiStreamRequest(service.chat.path, bytes, bytes)
    const big = Buffer.alloc(1_000_000, 'x')
    for (const message of [Buffer.from('one'), Buffer.from('two'), big]) {
      call.write(message)
      const [answer] = (await once(call, 'data')) as [Buffer]
      expect(answer.equals(message)).toBe(true)
    }
    call.end()
    expect((await once(call, 'status'))[0]).toMatchObject({ code: 0 })
    const cancelled = client.makeBidiStreamRequest(service.chat.path, bytes, bytes)
    cancelled.on('error', () => {})
    cancelled.write(Buffer.from('one'))
    await once(cancelled, 'data')
    expect(gateway.requests).toBe(1)
    cancelled.cancel()
    await expect.poll(() => gateway.requests).toBe(0)
  })

  test('spreads calls of one connection over instances, and goes around one that is dead', async () => {
    await using world = await World.create()
    const first = await echoServer(world, 'a:')
    await echoServer(world, 'b:')
    await world.gateway([{ service: 'orders', balancer: { strategy: 'round-robin' } }])
    const echo = echoThrough(world)
    const seen = new Set<string>()
    for (let i = 0; i < 4; i += 1) seen.add((await echo.unary('x')).text)
    expect(seen).toEqual(new Set(['a:x', 'b:x']))
    first.forceShutdown()
    for (let i = 0; i < 6; i += 1) expect((await echo.unary('x')).text).toBe('b:x')
  })

  test('says UNAVAILABLE with the service and why', async () => {
    await using world = await World.create()
    await world.gateway([{ service: 'orders', prefix: '/test.Echo' }])
    const echo = echoThrough(world)
    const { error } = await echo.unary('x')
    expect(error).toMatchObject({ code: status.UNAVAILABLE })
    expect(error?.details).toBe(
      'orders: no instance of the service can take the request (no-instance)',
    )
    const other = await new Promise<ServiceError | null>((resolve) =>
      echo.client.makeUnaryRequest('/other/Method', bytes, bytes, Buffer.alloc(0), (failed) =>
        resolve(failed),
      ),
    )
    expect(other).toMatchObject({ code: status.UNIMPLEMENTED })
  })

  test('repeats a stream that an instance refuses unprocessed', async () => {
    await using world = await World.create()
    let refused = 0
    const server = http2.createServer().on('stream', (stream, headers) => {
      if (refused < 2) {
        refused += 1
        stream.on('error', () => {})
        stream.close(http2.constants.NGHTTP2_REFUSED_STREAM)
        return
      }
      stream.respond(
        { ':status': 200, 'content-type': 'application/grpc' },
        { waitForTrailers: true },
      )
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
      expect(headers['te']).toBe('trailers')
      stream.pipe(stream)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    world.use({ [Symbol.asyncDispose]: async () => void server.close() })
    await world.register((server.address() as AddressInfo).port, 'orders', 'grpc')
    await world.gateway()
    const { error, text } = await echoThrough(world).unary('again')
    expect(error).toBeNull()
    expect(text).toBe('again')
    expect(refused).toBe(2)
  })

  test('over TLS in front and behind, verified', async () => {
    const { ca, server: certificate } = await createCertificates()
    await using world = await World.create()
    const server = http2.createSecureServer({ ...certificate }).on('stream', (stream) => {
      stream.respond(
        { ':status': 200, 'content-type': 'application/grpc' },
        { waitForTrailers: true },
      )
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
      stream.pipe(stream)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    world.use({ [Symbol.asyncDispose]: async () => void server.close() })
    await world.register((server.address() as AddressInfo).port, 'orders', 'grpcs')
    const routes = [
      { service: 'orders', prefix: '/test.Echo', tls: { ca, name: 'localhost' } },
      { service: 'orders', prefix: '/', scheme: 'https' as const },
    ]
    await world.gateway(routes, { tls: certificate })
    const echo = new Echo(`localhost:${world.port}`, credentials.createSsl(Buffer.from(ca)))
    expect(await echo.unary('secret')).toMatchObject({ error: null, text: 'secret' })
    const unverified = await new Promise<ServiceError | null>((resolve) =>
      echo.client.makeUnaryRequest('/other/Method', bytes, bytes, Buffer.alloc(0), (failed) =>
        resolve(failed),
      ),
    )
    expect(unverified?.details).toContain('tls-failed')
    echo.client.close()
  })
})
