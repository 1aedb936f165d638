import { channel } from 'node:diagnostics_channel'
import { metrics, trace } from '@opentelemetry/api'
import { TracerProvider } from '@opentelemetry/sdk-trace'
import { afterEach, expect, test } from 'vitest'
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
