import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { context, type SpanContext, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import {
  Client,
  credentials,
  Metadata,
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  status,
} from '@grpc/grpc-js'
import { registerResolver } from '@sd/grpc'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { instrument } from '../src/index.ts'
import { Figures } from './figures.ts'
import { Fleet } from './fleet.ts'

// real servers, on a machine that may be busy
vi.setConfig({ testTimeout: 20_000 })

const exporter = new InMemorySpanExporter()
const tracerProvider = new TracerProvider({
  spanProcessors: [new SimpleSpanProcessor({ exporter })],
})

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
})
beforeEach(() => exporter.reset())
afterAll(() => context.disable())

const bytes = (message: Buffer): Buffer => message
const path = '/shop.v1.Orders/Get'
const method = {
  path,
  requestStream: false,
  responseStream: false,
  requestSerialize: bytes,
  requestDeserialize: bytes,
  responseSerialize: bytes,
  responseDeserialize: bytes,
}

/** Serves gRPC as an instance of `orders`; returns the `traceparent` of each call. `fail` fails it. */
const serve = async (fleet: Fleet, id: string): Promise<readonly string[]> => {
  const arrived: string[] = []
  const get = (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>): void => {
    arrived.push(String(call.metadata.get('traceparent')[0] ?? ''))
    if (call.request.toString() === 'fail')
      callback({ code: status.NOT_FOUND, details: 'no such order' })
    else callback(null, call.request)
  }
  const server = new Server()
  server.addService({ get: method }, { get })
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  )
  fleet.use({ [Symbol.dispose]: () => server.forceShutdown() })
  await fleet.register('orders', id, `grpc://127.0.0.1:${port}`)
  return arrived
}

let schemes = 0

const connect = (fleet: Fleet, options: object = {}): Client => {
  schemes += 1
  const { scheme } = fleet.use(
    registerResolver(fleet.registry, { scheme: `sd-otel${schemes}`, ...options }),
  )
  const client = new Client(`${scheme}:///orders`, credentials.createInsecure())
  fleet.use({ [Symbol.dispose]: () => client.close() })
  return client
}

const call = (client: Client, text: string, metadata = new Metadata()): Promise<string> =>
  new Promise((resolve) =>
    client.makeUnaryRequest(
      path,
      bytes,
      bytes,
      Buffer.from(text),
      metadata,
      { deadline: Date.now() + 10_000 },
      (error, answer) => resolve(error === null ? String(answer) : error.details),
    ),
  )

const inSpan = async (work: () => Promise<unknown>): Promise<SpanContext> => {
  const span = tracerProvider.getTracer('test').startSpan('caller')
  await context.with(trace.setSpan(context.active(), span), work)
  return span.spanContext()
}

const rpcSpans = () => exporter.getFinishedSpans().filter(({ name }) => name === path.slice(1))

test('calls of one channel are spans below their callers, and pass their contexts on', async () => {
  await using fleet = await Fleet.create()
  using _ = instrument(fleet.registry, { tracerProvider })
  const arrived = await serve(fleet, 'a')
  const client = connect(fleet)
  // both wait for the registry's first report and the first connection
  const callers = await Promise.all([
    inSpan(() => call(client, 'one')),
    inSpan(() => call(client, 'two')),
  ])
  const spans = rpcSpans()
  expect(new Set(spans.map((span) => span.parentSpanContext?.spanId))).toEqual(
    new Set(callers.map(({ spanId }) => spanId)),
  )
  expect(new Set(arrived)).toEqual(
    new Set(
      spans.map((span) => `00-${span.spanContext().traceId}-${span.spanContext().spanId}-01`),
    ),
  )
  for (const span of spans) {
    expect(span.kind).toBe(SpanKind.CLIENT)
    expect(span.attributes).toMatchObject({
      'rpc.system.name': 'grpc',
      'rpc.method': 'shop.v1.Orders/Get',
      'rpc.response.status_code': 'OK',
      'server.address': 'orders',
      'sd.service': 'orders',
      'sd.instance.id': 'a',
      'network.peer.address': '127.0.0.1',
    })
    expect(span.attributes['error.type']).toBeUndefined()
    expect(span.status.code).toBe(SpanStatusCode.UNSET)
  }
})

test('without a span of the caller, the parent is in the metadata', async () => {
  await using fleet = await Fleet.create()
  using _ = instrument(fleet.registry, { tracerProvider })
  const arrived = await serve(fleet, 'a')
  const metadata = new Metadata()
  metadata.set('traceparent', `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`)
  await call(connect(fleet), 'one', metadata)
  const [span] = rpcSpans()
  expect(span?.parentSpanContext?.spanId).toBe('b'.repeat(16))
  expect(arrived).toEqual([`00-${'a'.repeat(32)}-${span?.spanContext().spanId}-01`])
  // the caller's own metadata stays as it is
  expect(metadata.get('traceparent')).toEqual([`00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`])
})

test('a call that fails has its status', async () => {
  await using fleet = await Fleet.create()
  using _ = instrument(fleet.registry, { tracerProvider })
  const client = connect(fleet)
  expect(await call(client, 'early')).toContain('no instances')
  await serve(fleet, 'a')
  await vi.waitFor(async () => expect(await call(client, 'fail')).toBe('no such order'), {
    timeout: 10_000,
  })
  const [early, failed] = [rpcSpans()[0], rpcSpans().at(-1)]
  expect(early?.attributes).toMatchObject({
    'rpc.response.status_code': 'UNAVAILABLE',
    'error.type': 'UNAVAILABLE',
  })
  expect(failed?.attributes).toMatchObject({
    'rpc.response.status_code': 'NOT_FOUND',
    'error.type': 'NOT_FOUND',
  })
  expect(failed?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'no such order' })
})

test('with requestSpans off, calls have no span and keep their metadata', async () => {
  await using fleet = await Fleet.create()
  using _ = instrument(fleet.registry, { tracerProvider, requestSpans: false })
  const arrived = await serve(fleet, 'a')
  await call(connect(fleet), 'one')
  expect(arrived).toEqual([''])
  expect(rpcSpans()).toEqual([])
})

test('calls are measured by method and status', async () => {
  await using figures = new Figures()
  await using fleet = await Fleet.create()
  using _ = instrument(fleet.registry, { meterProvider: figures.provider })
  await serve(fleet, 'a')
  const client = connect(fleet)
  for (const text of ['one', 'two', 'fail']) await call(client, text)
  const calls = (attributes: object): Promise<number | undefined> =>
    figures.value('rpc.client.call.duration', {
      'sd.service': 'orders',
      'rpc.method': 'shop.v1.Orders/Get',
      ...attributes,
    })
  expect(await calls({ 'rpc.response.status_code': 'OK' })).toBe(2)
  expect(await calls({ 'rpc.response.status_code': 'NOT_FOUND', 'error.type': 'NOT_FOUND' })).toBe(
    1,
  )
})
