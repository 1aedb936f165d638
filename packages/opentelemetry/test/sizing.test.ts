import { DataPointType, type MetricData } from '@opentelemetry/sdk-metrics'
import { request } from 'undici'
import { expect, test } from 'vitest'
import { instrument } from '../src/index.ts'
import { Figures } from './figures.ts'
import { Fleet } from './fleet.ts'

// the figures of the section Sizing in docs/operations.md

/** How many series the metrics take in Prometheus, whose names match. */
const seriesOf = (metrics: readonly MetricData[], name: RegExp): number => {
  let series = 0
  for (const metric of metrics) {
    if (!name.test(metric.descriptor.name)) continue
    if (metric.dataPointType === DataPointType.HISTOGRAM)
      // the buckets, the sum and the count
      for (const { value } of metric.dataPoints) series += value.buckets.counts.length + 2
    else series += metric.dataPoints.length
  }
  return series
}

test('a registry has 20 series, a watched service 7, a histogram 17 or 19 for each set', async () => {
  await using figures = new Figures()
  await using fleet = await Fleet.create()
  const { registry } = fleet
  using _ = instrument(registry, { meterProvider: figures.provider })
  await fleet.serve('orders', 'a', (_incoming, response) => response.end())
  const ofRegistry = /^sd\.(registries|sessions|session\.heartbeat|registration|watches)/
  expect(seriesOf(await figures.collect(), ofRegistry)).toBe(20)

  for (const service of ['orders', 'prices']) {
    const watcher = fleet.use(registry.watch(service))
    await watcher.next()
    const registration = await registry.register({
      service,
      id: 'b',
      endpoints: ['http://127.0.0.1:1'],
    })
    await watcher.next()
    await registration.update({ weight: 7 })
    await watcher.next()
    await registration.deregister()
    await watcher.next()
  }
  const metrics = await figures.collect()
  expect(seriesOf(metrics, ofRegistry)).toBe(20)
  expect(seriesOf(metrics, /^sd\.watch\.(entries|held|readers|stale|changes)/)).toBe(2 * 7)
  // `register` is the only operation so far
  expect(seriesOf(metrics, /^sd\.operation\.duration$/)).toBe(19)

  const dispatcher = fleet.dispatcher()
  for (const method of ['GET', 'POST'] as const)
    await (await request('http://orders.sd/', { dispatcher, method })).body.dump()
  expect(seriesOf(await figures.collect(), /^http\.client\.request\.duration$/)).toBe(2 * 17)
})

test('the SDK keeps 2,000 sets of attributes of a metric', async () => {
  await using figures = new Figures()
  const counter = figures.provider.getMeter('test').createCounter('sets')
  for (let set = 0; set < 3_000; set += 1) counter.add(1, { set })
  expect(seriesOf(await figures.collect(), /^sets$/)).toBe(2_000)
})
