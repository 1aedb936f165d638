import { expect, test, vi } from 'vitest'
import { instrument } from '../src/index.ts'
import { Figures } from './figures.ts'
import { Fleet } from './fleet.ts'

const ttlMs = 600
/** Waits until `check` passes, as what it observes follows a fault within a ttl or two. */
const soon = (check: () => Promise<void>): Promise<void> =>
  vi.waitFor(check, { timeout: 10 * ttlMs, interval: 20 })

test('the state of a registry is observed at each collection', async () => {
  await using figures = new Figures()
  await using fleet = await Fleet.create()
  const { registry } = fleet
  using _ = instrument(registry, {
    meterProvider: figures.provider,
    attributes: { 'deployment.environment.name': 'test' },
  })
  const of = (name: string, attributes = {}): Promise<number | undefined> =>
    figures.value(name, {
      'sd.backend': 'memory',
      'deployment.environment.name': 'test',
      ...attributes,
    })

  expect(await of('sd.registries', { 'sd.registry.state': 'unknown' })).toBe(1)
  expect(await of('sd.registries', { 'sd.registry.state': 'ok' })).toBe(0)
  expect(await of('sd.sessions', { 'sd.session.state': 'idle' })).toBe(1)
  expect(await of('sd.session.heartbeat.age')).toBeUndefined()

  await fleet.register('orders', 'a')
  await fleet.register('orders', 'b')
  const watcher = fleet.use(registry.watch('orders'))
  await watcher.next()
  const services = fleet.use(registry.watchServices())
  await services.next()

  expect(await of('sd.registries', { 'sd.registry.state': 'ok' })).toBe(1)
  expect(await of('sd.registries')).toBe(1)
  expect(await of('sd.sessions', { 'sd.session.state': 'live' })).toBe(1)
  expect(await of('sd.session.heartbeat.age')).toBeLessThan(10)
  expect(await of('sd.registrations', { 'sd.registration.state': 'registered' })).toBe(2)
  expect(await of('sd.registrations', { 'sd.registration.state': 'recovering' })).toBe(0)
  expect(await of('sd.registration.pending_removals')).toBe(0)
  expect(await of('sd.watches', { 'sd.watch.freshness': 'fresh' })).toBe(2)
  expect(await of('sd.watches', { 'sd.watch.freshness': 'stale' })).toBe(0)
  const orders = { 'sd.watch.scope': 'service', 'sd.service': 'orders' }
  expect(await of('sd.watch.entries', orders)).toBe(2)
  expect(await of('sd.watch.entries', { 'sd.watch.scope': 'services' })).toBe(1)
  expect(await of('sd.watch.held', orders)).toBe(0)
  expect(await of('sd.watch.stale.duration', orders)).toBe(0)
  expect(await of('sd.watch.readers', orders)).toBe(1)

  watcher.close()
  expect(await of('sd.watch.readers', orders)).toBe(0)
  expect(await of('sd.watch.entries', orders)).toBe(0)
  await registry.close()
  expect(await of('sd.registries', { 'sd.registry.state': 'closed' })).toBe(1)
  expect(await of('sd.session.heartbeat.age')).toBe(0)
})

test('an outage is seen in states, ages and counters, and so is its end', async () => {
  await using figures = new Figures()
  await using fleet = await Fleet.create(ttlMs)
  const { registry } = fleet
  for (const id of ['a', 'b', 'c', 'd']) await fleet.register('orders', id)
  const watcher = fleet.use(registry.watch('orders'))
  await watcher.next()
  // after the session is live: its loss counts all the same
  using _ = instrument(registry, { meterProvider: figures.provider })

  fleet.faults.wipe()
  fleet.faults.stop()
  await soon(async () => {
    expect(await figures.value('sd.registries', { 'sd.registry.state': 'unreachable' })).toBe(1)
    expect(await figures.value('sd.watches', { 'sd.watch.freshness': 'stale' })).toBe(1)
    expect(await figures.value('sd.registrations', { 'sd.registration.state': 'recovering' })).toBe(
      4,
    )
  })
  expect(await figures.value('sd.watch.entries')).toBe(4)
  await soon(async () =>
    expect(await figures.value('sd.watch.stale.duration')).toBeGreaterThan(0.1),
  )
  expect(await figures.value('sd.outages')).toBe(1)

  fleet.faults.start()
  await soon(async () => {
    expect(await figures.value('sd.registries', { 'sd.registry.state': 'ok' })).toBe(1)
    expect(await figures.value('sd.registrations', { 'sd.registration.state': 'registered' })).toBe(
      4,
    )
  })
  expect(await figures.value('sd.session.reconnects')).toBe(1)
  // the connection broke, and then the history had begun anew
  const watchReconnects = (type: string): Promise<number | undefined> =>
    figures.value('sd.watch.reconnects', { 'error.type': type })
  expect(await watchReconnects('unavailable')).toBe(1)
  expect(await watchReconnects('cursor-expired')).toBe(1)
  expect(await figures.value('sd.watch.stale.duration')).toBe(0)
  // four registrations were written again
  expect(await figures.value('sd.write.duration')).toBe(4)
})

test('removals that loss protection holds are observed', async () => {
  await using figures = new Figures()
  await using fleet = await Fleet.create(ttlMs)
  const watching = await fleet.another()
  for (const id of ['a', 'b', 'c', 'd']) await fleet.register('orders', id)
  const watcher = fleet.use(watching.watch('orders'))
  await watcher.next()
  using _ = instrument(watching, { meterProvider: figures.provider })
  // the owner writes them back, and that takes a while
  fleet.faults.delayWrites(ttlMs)
  fleet.faults.wipe()
  await soon(async () => expect(await figures.value('sd.watch.held')).toBe(4))
  await soon(async () => expect(await figures.value('sd.watch.held')).toBe(0))
})

test('changes are counted by type, for each watch once', async () => {
  await using figures = new Figures()
  await using fleet = await Fleet.create()
  const { registry } = fleet
  using _ = instrument(registry, { meterProvider: figures.provider })
  const registration = await registry.register({
    service: 'orders',
    id: 'a',
    endpoints: ['http://h:1'],
  })
  const [one, two] = [fleet.use(registry.watch('orders')), fleet.use(registry.watch('orders'))]
  await one.next()
  await registration.update({ weight: 7 })
  await one.next()
  await registration.deregister()
  await one.next()
  expect(two.size).toBe(0)
  for (const type of ['added', 'updated', 'removed'])
    expect(
      await figures.value('sd.watch.changes', {
        'sd.change.type': type,
        'sd.service': 'orders',
        'sd.watch.scope': 'service',
      }),
      type,
    ).toBe(1)
})

test('calls are measured with their failures, and writes with updates', async () => {
  await using figures = new Figures()
  await using fleet = await Fleet.create()
  const { registry } = fleet
  using _ = instrument(registry, { meterProvider: figures.provider })
  const registration = await registry.register({
    service: 'orders',
    id: 'a',
    endpoints: ['http://h:1'],
  })
  await registration.update({ weight: 7 })
  await registry.list('orders')
  await registry.list('orders')
  await expect(registry.list('')).rejects.toThrow('service')
  const calls = (name: string, more = {}): Promise<number | undefined> =>
    figures.value('sd.operation.duration', { 'sd.operation.name': name, ...more })
  expect(await calls('register')).toBe(1)
  expect(await calls('list')).toBe(3)
  expect(await calls('list', { 'error.type': 'invalid-argument' })).toBe(1)
  expect(await figures.value('sd.write.duration')).toBe(2)
})

test('refused registrations and unreadable records are counted', async () => {
  await using figures = new Figures()
  await using fleet = await Fleet.create(ttlMs)
  const { registry } = fleet
  using _ = instrument(registry, { meterProvider: figures.provider })
  await fleet.register('orders', 'a')
  const rival = await fleet.another()
  fleet.use(instrument(rival, { meterProvider: figures.provider, attributes: { rival: true } }))
  await expect(
    rival.register(
      { service: 'orders', id: 'a', endpoints: ['http://h:1'] },
      { onConflict: 'reject' },
    ),
  ).rejects.toThrow('is held')
  await rival.register({ service: 'orders', id: 'a', endpoints: ['http://h:1'] })
  await soon(async () =>
    expect(await figures.value('sd.registrations', { 'sd.registration.state': 'superseded' })).toBe(
      1,
    ),
  )
  expect(await figures.value('sd.registration.refusals', { rival: true })).toBe(1)
  expect(
    await figures.value('sd.registration.refusals', {
      'sd.service': 'orders',
      'error.type': 'conflict',
    }),
  ).toBe(2)
  fleet.faults.writeRaw('orders', 'broken', new TextEncoder().encode('{'))
  await registry.list('orders')
  expect(await figures.value('sd.record.skips')).toBe(1)
})

test('a registry counts its own events only, and nothing after it is stopped', async () => {
  await using figures = new Figures()
  await using fleet = await Fleet.create()
  const other = await fleet.another()
  const instrumentation = instrument(fleet.registry, { meterProvider: figures.provider })
  await other.list('orders')
  expect(await figures.value('sd.operation.duration')).toBeUndefined()
  await fleet.registry.list('orders')
  instrumentation.stop()
  instrumentation.stop()
  await fleet.registry.list('orders')
  expect(await figures.value('sd.operation.duration')).toBe(1)
})
