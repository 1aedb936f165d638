import { Channel, channel } from 'node:diagnostics_channel'
import { metrics, trace } from '@opentelemetry/api'
import { TracerProvider } from '@opentelemetry/sdk-trace'
import { afterEach, expect, test, vi } from 'vitest'
import { diagnosticChannels } from '@sd/core'
import { instrument } from '../src/index.ts'
import { Figures } from './figures.ts'
import { Fleet } from './fleet.ts'

const subscribed = (): readonly string[] =>
  [
    ...Object.values(diagnosticChannels),
    'sd:request',
    'sd:rpc',
    'sd:pick',
    'sd:balancer',
    'sd:gateway',
  ].filter((name) => channel(name).hasSubscribers)

afterEach(() => {
  metrics.disable()
  trace.disable()
})

test('without a provider nothing is subscribed to', async () => {
  await using fleet = await Fleet.create()
  using _ = instrument(fleet.registry)
  expect(subscribed()).toEqual([])
})

test('the global provider is the default', async () => {
  await using figures = new Figures()
  metrics.setGlobalMeterProvider(figures.provider)
  await using fleet = await Fleet.create()
  const instrumentation = instrument(fleet.registry)
  expect(await figures.value('sd.registries')).toBe(1)
  expect(subscribed()).toContain('sd:change')
  instrumentation.stop()
  expect(subscribed()).toEqual([])
})

test('the global tracer provider is the default, once it is set', async () => {
  await using fleet = await Fleet.create()
  const early = instrument(fleet.registry)
  trace.setGlobalTracerProvider(new TracerProvider())
  expect(subscribed()).toEqual([])
  early.stop()
  const instrumentation = instrument(fleet.registry)
  expect(subscribed()).toEqual(['sd:call', 'sd:request', 'sd:rpc', 'sd:gateway'])
  instrumentation.stop()
  expect(subscribed()).toEqual([])
})

test('without a provider, looking for subscribers costs less than 1 % of a change', async () => {
  await using fleet = await Fleet.create()
  const { registry } = fleet
  using _ = instrument(registry)
  const registration = await registry.register({
    service: 'orders',
    id: 'a',
    endpoints: ['http://h:1'],
  })
  const watcher = fleet.use(registry.watch('orders'))
  await watcher.next()
  const change = async (times: number): Promise<void> => {
    for (let index = 0; index < times; index += 1) {
      await registration.update({ weight: 1 + (index % 2) })
      await watcher.next()
    }
  }
  await change(2)
  const looks = vi.spyOn(Channel.prototype, 'hasSubscribers', 'get')
  await change(100)
  const looksPerChange = looks.mock.calls.length / 100
  looks.mockRestore()
  expect(looksPerChange).toBeGreaterThan(0)

  const cpuMs = (): number => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1_000
  }
  await change(1_000)
  const [changes, checks] = [3_000, 1_000_000]
  const beganMs = cpuMs()
  await change(changes)
  const changedMs = cpuMs()
  const quiet = channel('sd:change')
  let subscribers = 0
  for (let index = 0; index < checks; index += 1) if (quiet.hasSubscribers) subscribers += 1
  const checkedMs = cpuMs()
  expect(subscribers).toBe(0)
  const share =
    (looksPerChange * (checkedMs - changedMs)) / checks / ((changedMs - beganMs) / changes)
  expect(share).toBeLessThan(0.01)
})
