import {
  context,
  propagation,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import {
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import { request } from 'undici'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { instrument } from '../src/index.ts'
import { Collector } from './collector.ts'
import { Fleet } from './fleet.ts'

const exporter = new InMemorySpanExporter()
const tracerProvider = new TracerProvider({
  spanProcessors: [new SimpleSpanProcessor({ exporter })],
})
const tracer = tracerProvider.getTracer('test')

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
})
beforeEach(() => exporter.reset())
afterEach(() => propagation.disable())
afterAll(() => context.disable())

/** Runs `work` in a span, and returns that span's context. */
const inSpan = async (work: () => Promise<unknown>): Promise<SpanContext> => {
  const span = tracer.startSpan('caller')
  await context.with(trace.setSpan(context.active(), span), work)
  return span.spanContext()
}

const finished = (name: string): ReadableSpan => {
  const span = exporter.getFinishedSpans().find((candidate) => candidate.name === name)
  if (span === undefined) throw new Error(`no span ${name}`)
  return span
}

/** Answers with the trace context that arrived. */
const echo = (
  incoming: { headers: NodeJS.Dict<string | string[]> },
  response: { end(text: string): void },
) => response.end(JSON.stringify(incoming.headers))

const headersOf = async (
  fleet: Fleet,
  headers: Record<string, string> = {},
): Promise<Readonly<Record<string, string>>> => {
  const { body } = await request('http://orders.sd/p?token=1', {
    dispatcher: fleet.dispatcher(),
    headers,
  })
  return (await body.json()) as Readonly<Record<string, string>>
}

test('register and list are spans below their caller, with their failures', async () => {
  await using fleet = await Fleet.create()
  const { registry } = fleet
  using _ = instrument(registry, { tracerProvider })
  const caller = await inSpan(async () => {
    await fleet.register('orders', 'a')
    await registry.list('orders')
  })
  await expect(registry.list('')).rejects.toThrow('service')
  for (const operation of ['register', 'list'] as const) {
    const span = finished(`${operation} orders`)
    expect(span.kind).toBe(SpanKind.CLIENT)
    expect(span.parentSpanContext?.spanId).toBe(caller.spanId)
    expect(span.spanContext().traceId).toBe(caller.traceId)
    expect(span.attributes).toMatchObject({
      'sd.backend': 'memory',
      'sd.service': 'orders',
      'sd.operation.name': operation,
    })
    expect(span.duration[0]).toBe(0)
  }
  const failed = exporter.getFinishedSpans().at(-1)
  expect(failed?.status.code).toBe(SpanStatusCode.ERROR)
  expect(failed?.attributes['error.type']).toBe('invalid-argument')
})

test('a request is a span below its caller, and passes its context on', async () => {
  await using fleet = await Fleet.create()
  using _ = instrument(fleet.registry, { tracerProvider })
  await fleet.serve('orders', 'a', echo)
  let headers: Readonly<Record<string, string>> = {}
  const caller = await inSpan(async () => {
    headers = await headersOf(fleet, { traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01` })
  })
  const span = finished('GET')
  const { traceId, spanId } = span.spanContext()
  expect(span.kind).toBe(SpanKind.CLIENT)
  expect(span.parentSpanContext?.spanId).toBe(caller.spanId)
  expect(traceId).toBe(caller.traceId)
  expect(headers['traceparent']).toBe(`00-${traceId}-${spanId}-01`)
  expect(span.attributes).toMatchObject({
    'sd.service': 'orders',
    'sd.instance.id': 'a',
    'server.address': 'orders.sd',
    'server.port': 80,
    'network.peer.address': '127.0.0.1',
    'url.full': 'http://orders.sd/p',
    'http.response.status_code': 200,
  })
})

test('without a span of the caller, the parent is in the headers, as for a proxied request', async () => {
  await using fleet = await Fleet.create()
  using _ = instrument(fleet.registry, { tracerProvider })
  await fleet.serve('orders', 'a', echo)
  const [traceId, parentId] = ['a'.repeat(32), 'b'.repeat(16)]
  const headers = await headersOf(fleet, {
    traceparent: `00-${traceId}-${parentId}-01`,
    tracestate: 'vendor=1',
  })
  const span = finished('GET')
  expect(span.parentSpanContext?.spanId).toBe(parentId)
  expect(headers['traceparent']).toBe(`00-${traceId}-${span.spanContext().spanId}-01`)
  expect(headers['tracestate']).toBe('vendor=1')
})

test.each([
  '',
  'nonsense',
  `ff-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
  `00-${'0'.repeat(32)}-${'b'.repeat(16)}-01`,
])('an invalid traceparent (%j) begins a new trace', async (traceparent) => {
  await using fleet = await Fleet.create()
  using _ = instrument(fleet.registry, { tracerProvider })
  await fleet.serve('orders', 'a', echo)
  const headers = await headersOf(fleet, { traceparent })
  const span = finished('GET')
  expect(span.parentSpanContext).toBeUndefined()
  expect(headers['traceparent']).toContain(span.spanContext().spanId)
})

test("the application's global propagator is used", async () => {
  propagation.setGlobalPropagator({
    fields: () => ['x-own'],
    inject: (_context, carrier, setter) => setter.set(carrier, 'X-Own', 'injected'),
    extract: (given) => given,
  })
  await using fleet = await Fleet.create()
  using _ = instrument(fleet.registry, { tracerProvider })
  await fleet.serve('orders', 'a', echo)
  const headers = await headersOf(fleet)
  expect(headers['x-own']).toBe('injected')
  expect(headers['traceparent']).toBeUndefined()
})

test('the tries of a request are events of its span, and its failure its status', async () => {
  await using fleet = await Fleet.create()
  using _ = instrument(fleet.registry, { tracerProvider })
  await fleet.register('orders', 'dead')
  await expect(
    request('http://orders.sd/', { dispatcher: fleet.dispatcher(), method: 'PURGE' as 'GET' }),
  ).rejects.toThrow('not reached')
  await fleet.serve('orders', 'a', (_incoming, response) => response.writeHead(500).end())
  const { body } = await request('http://orders.sd/', { dispatcher: fleet.dispatcher() })
  await body.dump()
  const failed = finished('HTTP')
  expect(failed.attributes).toMatchObject({
    'http.request.method': '_OTHER',
    'http.request.method_original': 'PURGE',
    'error.type': 'unavailable',
    'sd.instance.id': 'dead',
  })
  const answered = finished('GET')
  expect(
    answered.events.map(({ name, attributes }) => [name, attributes?.['sd.instance.id']]),
  ).toEqual([['retry', 'dead']])
  expect(answered.attributes).toMatchObject({
    'http.request.resend_count': 1,
    'http.response.status_code': 500,
    'error.type': '500',
  })
  expect(answered.status.code).toBe(SpanStatusCode.ERROR)
})

test('with requestSpans off, requests have no span and keep their headers', async () => {
  await using fleet = await Fleet.create()
  using _ = instrument(fleet.registry, { tracerProvider, requestSpans: false })
  await fleet.serve('orders', 'a', echo)
  expect((await headersOf(fleet))['traceparent']).toBeUndefined()
  expect(exporter.getFinishedSpans().map(({ name }) => name)).toEqual(['register orders'])
})

test('a collector gets the spans of one trace', async () => {
  await using collector = await Collector.start()
  const provider = new TracerProvider({
    spanProcessors: [
      new SimpleSpanProcessor({
        exporter: new OTLPTraceExporter({ url: collector.url('traces') }),
      }),
    ],
  })
  await using fleet = await Fleet.create()
  using _ = instrument(fleet.registry, { tracerProvider: provider })
  await fleet.serve('orders', 'a', echo)
  const headers = await headersOf(fleet)
  await provider.forceFlush()
  const span = collector.spans.find(({ name }) => name === 'GET')
  expect(headers['traceparent']).toBe(`00-${span?.traceId}-${span?.spanId}-01`)
  await provider.shutdown()
})
