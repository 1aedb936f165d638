import { channel } from 'node:diagnostics_channel'
import { expect, test } from 'vitest'
import type { GatewayMessage } from '../src/channel-messages.ts'
import { instrument } from '../src/index.ts'
import { Figures } from './figures.ts'
import { Fleet } from './fleet.ts'

// what a gateway publishes; the tests of @sd/gateway scrape a real one
const publish = (message: GatewayMessage): void => channel('sd:gateway').publish(message)

const facts = {
  kind: 'http',
  route: '/orders',
  service: 'orders',
  method: 'GET',
  path: '/orders/1',
} as const

test('requests of a gateway are counted by status and measured', async () => {
  await using figures = new Figures()
  await using fleet = await Fleet.create()
  using _ = instrument(fleet.registry, { meterProvider: figures.provider })
  const finished = { ...facts, event: 'finished', protocol: '1.1', durationMs: 12 } as const
  const [answered, refused] = [{}, {}]
  publish({ ...facts, event: 'started', protocol: '1.1', exchange: answered, headers: [] })
  publish({ ...finished, exchange: answered, status: 200, reason: undefined })
  publish({ ...finished, exchange: refused, status: 503, reason: 'no-instance' })
  const requests = (attributes = {}): Promise<number | undefined> =>
    figures.value('sd.gateway.requests', attributes)
  const orders = { 'http.route': '/orders', 'sd.service': 'orders' }
  expect(await requests({ ...orders, 'http.response.status_code': 200 })).toBe(1)
  expect(
    await requests({
      ...orders,
      'http.response.status_code': 503,
      'sd.gateway.reason': 'no-instance',
    }),
  ).toBe(1)
  expect(await figures.value('http.server.request.duration')).toBe(2)
  expect(
    await figures.value('http.server.request.duration', {
      'error.type': 'no-instance',
      'http.request.method': 'GET',
    }),
  ).toBe(1)
})
