import { request } from 'undici'
import { expect, test } from 'vitest'
import { createPicker } from '@sd/balancer'
import { instrument } from '../src/index.ts'
import { Figures } from './figures.ts'
import { Fleet } from './fleet.ts'

const durations = 'http.client.request.duration'
const orders = { 'sd.service': 'orders' }

test('requests are measured by service, method and outcome', async () => {
  await using figures = new Figures()
  await using fleet = await Fleet.create()
  using _ = instrument(fleet.registry, { meterProvider: figures.provider })
  await fleet.serve('orders', 'a', (incoming, response) => {
    response.statusCode = incoming.url === '/missing' ? 404 : 200
    response.end('hello')
  })
  const dispatcher = fleet.dispatcher({ timeouts: { discoveryMs: 500 } })
  for (const path of ['', '', 'missing'])
    await (await request(`http://orders.sd/${path}`, { dispatcher })).body.dump()
  await (await request('http://orders.sd/', { dispatcher, method: 'PURGE' as 'GET' })).body.dump()
  await expect(request('http://none.sd/', { dispatcher })).rejects.toThrow('no instance')
  const common = {
    ...orders,
    'server.address': 'orders.sd',
    'server.port': 80,
    'url.scheme': 'http',
  }
  const get = { ...common, 'http.request.method': 'GET' }
  expect(await figures.value(durations, { ...get, 'http.response.status_code': 200 })).toBe(2)
  expect(
    await figures.value(durations, {
      ...get,
      'http.response.status_code': 404,
      'error.type': '404',
    }),
  ).toBe(1)
  expect(await figures.value(durations, { ...common, 'http.request.method': '_OTHER' })).toBe(1)
  expect(
    await figures.value(durations, { 'sd.service': 'none', 'error.type': 'unavailable' }),
  ).toBe(1)
  expect(await figures.value('sd.balancer.picks', orders)).toBe(4)
})

test('a request is measured until its body was read', async () => {
  await using figures = new Figures()
  await using fleet = await Fleet.create()
  using _ = instrument(fleet.registry, { meterProvider: figures.provider })
  const { promise: finish, resolve } = Promise.withResolvers<void>()
  await fleet.serve('orders', 'a', (_incoming, response) => {
    response.write('the beginning')
    void finish.then(() => response.end())
  })
  const { body } = await request('http://orders.sd/', { dispatcher: fleet.dispatcher() })
  expect(await figures.value(durations)).toBeUndefined()
  resolve()
  await body.dump()
  expect(await figures.value(durations)).toBe(1)
})

test('retries are counted by reason', async () => {
  await using figures = new Figures()
  await using fleet = await Fleet.create()
  using _ = instrument(fleet.registry, { meterProvider: figures.provider })
  await fleet.register('orders', 'dead')
  await fleet.serve('orders', 'resets', ({ socket }) => socket.resetAndDestroy())
  await fleet.serve('orders', 'fails', (_incoming, response) => response.writeHead(503).end())
  await fleet.serve('orders', 'well', (_incoming, response) => response.end())
  const dispatcher = fleet.dispatcher({ retry: { statuses: [503] } })
  const { statusCode, body } = await request('http://orders.sd/', { dispatcher })
  await body.dump()
  expect(statusCode).toBe(200)
  for (const reason of ['unreached', 'failed', 'status'])
    expect(
      await figures.value('sd.client.retries', { ...orders, 'sd.retry.reason': reason }),
      reason,
    ).toBe(1)
  expect(await figures.value(durations)).toBe(1)
})

test('ejections are counted by reason, for any use of the balancer', async () => {
  await using figures = new Figures()
  await using fleet = await Fleet.create()
  using _ = instrument(fleet.registry, { meterProvider: figures.provider })
  await fleet.register('orders', 'a')
  const [instance] = await fleet.registry.list('orders')
  using picker = createPicker({ outlier: { consecutiveErrors: 2 } })
  if (instance !== undefined) picker.apply([{ type: 'added', instance }])
  for (let call = 0; call < 2; call += 1) picker.pick().done({ error: new Error('failed') })
  expect(
    await figures.value('sd.balancer.ejections', {
      ...orders,
      'sd.ejection.reason': 'consecutive-errors',
    }),
  ).toBe(1)
  expect(await figures.value('sd.balancer.picks', orders)).toBe(2)
})

test('calls are counted once for a provider, until its last registry is stopped', async () => {
  await using figures = new Figures()
  await using fleet = await Fleet.create()
  const { provider: meterProvider } = figures
  const [one, two] = [fleet.registry, await fleet.another()].map((registry) =>
    instrument(registry, { meterProvider }),
  )
  await fleet.serve('orders', 'a', (_incoming, response) => response.end())
  const dispatcher = fleet.dispatcher()
  const call = async (): Promise<void> =>
    (await request('http://orders.sd/', { dispatcher })).body.dump()
  await call()
  one?.stop()
  await call()
  expect(await figures.value('sd.balancer.picks')).toBe(2)
  two?.stop()
  await call()
  expect(await figures.value('sd.balancer.picks')).toBe(2)
})
