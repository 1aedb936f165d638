import { context, SpanKind, trace } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import {
  Client,
  credentials,
  type Metadata,
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
} from '@grpc/grpc-js'
import { registerResolver } from '@sd/grpc'
import { ServiceDispatcher } from '@sd/undici'
import { request } from 'undici'
import { expect, test, vi } from 'vitest'
import { echoMethod } from '../contract/echo-method.ts'
import { instrumented, type TestTracing } from './telemetry.ts'
import { World } from './world.ts'

// real servers, on a machine that may be busy
vi.setConfig({ testTimeout: 20_000 })

/** Runs `work` in a span of its own, and returns that span's id. */
const inSpan = async ({ provider }: TestTracing, work: () => Promise<unknown>): Promise<string> => {
  const span = provider.getTracer('test').startSpan('caller')
  await context.with(trace.setSpan(context.active(), span), work)
  span.end()
  return span.spanContext().spanId
}

const named = (tracing: TestTracing, name: string, service: string): ReadableSpan => {
  const span = tracing
    .spans()
    .find((one) => one.name === name && one.attributes['sd.service'] === service)
  if (span === undefined) throw new Error(`no span ${name} of ${service}`)
  return span
}

/** Waits for the chain caller → client → gateway → its client → service, and checks each link. */
const expectChain = async (
  tracing: TestTracing,
  callerId: string,
  names: { readonly client: string; readonly server: string; readonly forwarded: string },
  arrived: string | undefined,
): Promise<readonly ReadableSpan[]> => {
  // the gateway's spans end after the client has its answer
  await vi.waitFor(() => named(tracing, names.server, 'orders'), { timeout: 10_000 })
  await vi.waitFor(() => named(tracing, names.forwarded, 'orders'), { timeout: 10_000 })
  const client = named(tracing, names.client, 'front')
  const server = named(tracing, names.server, 'orders')
  const forwarded = named(tracing, names.forwarded, 'orders')
  const chain = [client, server, forwarded]
  expect(chain.map(({ kind }) => kind)).toEqual([SpanKind.CLIENT, SpanKind.SERVER, SpanKind.CLIENT])
  const ids = chain.map((span) => span.spanContext().spanId)
  expect(chain.map((span) => span.parentSpanContext?.spanId)).toEqual([callerId, ids[0], ids[1]])
  const traceIds = new Set(chain.map((span) => span.spanContext().traceId))
  expect(traceIds.size).toBe(1)
  expect(arrived).toBe(`00-${[...traceIds][0]}-${ids[2]}-01`)
  return chain
}

test('a request through the gateway is one trace over HTTP/1.1', async () => {
  await using world = await World.create()
  const { seen } = await world.backend()
  await world.gateway([{ service: 'orders', prefix: '/orders' }])
  await world.register(world.port, 'front')
  await using dispatcher = new ServiceDispatcher({ discovery: world.registry })
  await using tracing = instrumented(world.registry)
  const callerId = await inSpan(tracing, async () => {
    const { body } = await request('http://front.sd/orders/1?token=x', { dispatcher })
    await body.dump()
  })
  const names = { client: 'GET', server: 'GET /orders', forwarded: 'GET' }
  const [, server, forwarded] = await expectChain(
    tracing,
    callerId,
    names,
    seen[0]?.headers['traceparent'] as string,
  )
  expect(server?.attributes).toMatchObject({
    'http.route': '/orders',
    'url.path': '/orders/1',
    'http.response.status_code': 200,
    'network.protocol.version': '1.1',
  })
  expect(forwarded?.attributes).toMatchObject({ 'url.full': 'http://orders.sd/orders/1' })
})

/** Registers a gRPC server as `orders`, which notes the metadata of its calls. */
const serveGrpc = async (world: World): Promise<readonly Metadata[]> => {
  const seen: Metadata[] = []
  const server = new Server()
  const unary = (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>): void => {
    seen.push(call.metadata)
    callback(null, call.request)
  }
  server.addService({ unary: echoMethod }, { unary })
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  )
  world.use({ [Symbol.asyncDispose]: async () => server.forceShutdown() })
  await world.register(port, 'orders', 'grpc')
  return seen
}

test('a call through the gateway is one trace over gRPC', async () => {
  await using world = await World.create()
  const seen = await serveGrpc(world)
  await world.gateway([{ service: 'orders', prefix: '/test.Echo' }])
  await world.register(world.port, 'front', 'grpc')
  using _ = registerResolver(world.registry, { scheme: 'sd-traces' })
  const client = new Client('sd-traces:///front', credentials.createInsecure())
  world.use({ [Symbol.asyncDispose]: async () => client.close() })
  await using tracing = instrumented(world.registry)
  const call = (): Promise<unknown> =>
    new Promise((resolve, reject) =>
      client.makeUnaryRequest(
        echoMethod.path,
        echoMethod.requestSerialize,
        echoMethod.responseDeserialize,
        Buffer.from('hello'),
        { deadline: Date.now() + 10_000 },
        (error, answer) => (error === null ? resolve(answer) : reject(error)),
      ),
    )
  // the first call of a channel, which waits for the registry and a connection
  const callerId = await inSpan(tracing, call)
  const names = {
    client: 'test.Echo/Unary',
    server: 'POST /test.Echo',
    forwarded: 'test.Echo/Unary',
  }
  const [, server, forwarded] = await expectChain(
    tracing,
    callerId,
    names,
    String(seen[0]?.get('traceparent')[0]),
  )
  expect(server?.attributes).toMatchObject({
    'http.route': '/test.Echo',
    'http.response.status_code': 200,
    'rpc.response.status_code': 'OK',
    'network.protocol.version': '2',
  })
  expect(forwarded?.attributes).toMatchObject({
    'rpc.system.name': 'grpc',
    'rpc.method': 'test.Echo/Unary',
    'rpc.response.status_code': 'OK',
    'network.peer.address': '127.0.0.1',
  })
  expect(forwarded?.attributes['sd.instance.id']).toBe(
    String(forwarded?.attributes['network.peer.port']),
  )
})
