import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http'
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus'
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import { request } from 'undici'
import { expect, test } from 'vitest'
import { instrument } from '../src/index.ts'
import { Collector, type OtlpMetric, type OtlpPoint, textOf } from './collector.ts'
import { Fleet } from './fleet.ts'

// as the exporter names them: without the unit, which a collector adds
const underscored = (name: string): string => name.replaceAll(/[^a-zA-Z0-9_]/g, '_')

type Sample = readonly [string, number]

/** The samples of a histogram's point: its count, its sum, and its buckets, each with those below it. */
const histogramSamples = (
  name: string,
  { count, sum, bucketCounts = [], explicitBounds = [] }: OtlpPoint,
  labels: readonly string[],
): readonly Sample[] => {
  const sampleOf = (suffix: string, more: readonly string[], value: number): Sample => [
    `${name}_${suffix}{${[...labels, ...more].toSorted().join(',')}}`,
    value,
  ]
  let below = 0
  const buckets = bucketCounts.map((bucket, index) => {
    below += Number(bucket)
    return sampleOf('bucket', [`le="${explicitBounds[index] ?? '+Inf'}"`], below)
  })
  return [sampleOf('count', [], Number(count)), sampleOf('sum', [], Number(sum)), ...buckets]
}

/** The points of a metric, as Prometheus shows them. */
const samplesOf = ({ name, sum, gauge, histogram }: OtlpMetric): readonly Sample[] => {
  const { dataPoints } = sum ?? gauge ?? histogram ?? { dataPoints: [] }
  const base = underscored(name)
  return dataPoints.flatMap((point) => {
    const labels = Object.entries(textOf(point.attributes)).map(
      ([key, value]) => `${underscored(key)}="${value}"`,
    )
    if (histogram !== undefined) return histogramSamples(base, point, labels)
    const sample = `${base}${sum?.isMonotonic === true ? '_total' : ''}{${labels.toSorted().join(',')}}`
    return [[sample, Number(point.asDouble ?? point.asInt)] as const]
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
  const isAge = ({ unit, gauge }: OtlpMetric): boolean => unit === 's' && gauge !== undefined
  const ages = collector.metrics.filter(isAge).map(({ name }) => `${underscored(name)}{`)
  const shown = new Map(collector.metrics.filter((metric) => !isAge(metric)).flatMap(samplesOf))
  expect(shown.size).toBeGreaterThan(60)
  const comparable = [...scraped].filter(([name]) => !ages.some((age) => name.startsWith(age)))
  const sorted = (samples: Iterable<Sample>): readonly Sample[] =>
    [...samples].toSorted(([a], [b]) => (a < b ? -1 : 1))
  expect(sorted(comparable)).toEqual(sorted(shown))
  expect(shown.get('sd_balancer_picks_total{sd_service="orders"}')).toBe(3)
  expect(
    shown.get('sd_registrations{sd_backend="memory",sd_registration_state="registered"}'),
  ).toBe(2)
  await meterProvider.shutdown()
})
