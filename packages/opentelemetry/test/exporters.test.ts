import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http'
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus'
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import { request } from 'undici'
import { expect, test } from 'vitest'
import { instrument } from '../src/index.ts'
import { Collector, type OtlpMetric, textOf } from './collector.ts'
import { Fleet } from './fleet.ts'

// as the exporter names them: without the unit, which a collector adds
const underscored = (name: string): string => name.replaceAll(/[^a-zA-Z0-9_]/g, '_')

const sampleName = ({ name, sum, histogram }: OtlpMetric): string => {
  if (histogram !== undefined) return `${underscored(name)}_count`
  return underscored(name) + (sum?.isMonotonic === true ? '_total' : '')
}

/** The points of a metric, as Prometheus shows them. */
const samplesOf = (metric: OtlpMetric): readonly (readonly [string, number])[] => {
  const { dataPoints } = metric.sum ?? metric.gauge ?? metric.histogram ?? { dataPoints: [] }
  return dataPoints.map(({ attributes, asDouble, asInt, count }) => {
    const labels = Object.entries(textOf(attributes)).map(
      ([key, value]) => `${underscored(key)}="${value}"`,
    )
    const value = Number(asDouble ?? asInt ?? count)
    return [`${sampleName(metric)}{${labels.toSorted().join(',')}}`, value] as const
  })
}

const scrape = async (exporter: PrometheusExporter): Promise<ReadonlyMap<string, number>> => {
  const server = http.createServer((incoming, response) =>
    exporter.getMetricsRequestHandler(incoming, response),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  server.closeAllConnections()
  server.close()
  const samples = [...text.matchAll(/^(\w+)\{(.*)\} (\S+)$/gm)]
  return new Map(
    samples.map(([, name, labels = '', value]) => [
      `${name}{${labels.split(',').toSorted().join(',')}}`,
      Number(value),
    ]),
  )
}

test('a Prometheus scrape and an OpenTelemetry collector see the same figures', async () => {
  await using collector = await Collector.start()
  const prometheus = new PrometheusExporter({
    preventServerStart: true,
    withoutScopeInfo: true,
    withoutTargetInfo: true,
  })
  const meterProvider = new MeterProvider({
    readers: [
      prometheus,
      new PeriodicExportingMetricReader({
        exporter: new OTLPMetricExporter({ url: collector.url('metrics') }),
        exportIntervalMillis: 3_600_000,
      }),
    ],
  })
  await using fleet = await Fleet.create()
  const { registry } = fleet
  using _ = instrument(registry, { meterProvider })
  await fleet.serve('orders', 'a', (_incoming, response) => response.end('hello'))
  await fleet.register('payments', 'b')
  await fleet.use(registry.watchAll()).next()
  await registry.list('orders')
  const dispatcher = fleet.dispatcher()
  for (let call = 0; call < 3; call += 1)
    await (await request('http://orders.sd/', { dispatcher })).body.dump()

  const scraped = await scrape(prometheus)
  await meterProvider.forceFlush()
  // the ages of both differ by the time between
  const received = collector.metrics.flatMap((metric) =>
    metric.unit === 's' && metric.gauge !== undefined ? [] : samplesOf(metric),
  )
  expect(received.length).toBeGreaterThan(25)
  for (const [sample, value] of received) expect(scraped.get(sample), sample).toBe(value)
  const shown = new Map(received)
  expect(shown.get('sd_balancer_picks_total{sd_service="orders"}')).toBe(3)
  expect(
    shown.get('sd_registrations{sd_backend="memory",sd_registration_state="registered"}'),
  ).toBe(2)
  await meterProvider.shutdown()
})
