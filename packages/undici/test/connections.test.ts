import { setTimeout as sleep } from 'node:timers/promises'
import { request } from 'undici'
import { describe, expect, test } from 'vitest'
import { World } from './world.ts'

describe('when an instance is removed', () => {
  test('requests in flight and queued ones finish, then its connections close', async () => {
    await using world = await World.create()
    const gate = Promise.withResolvers<void>()
    const server = await world.http('a', (incoming, response) => {
      response.write(`${incoming.url} `)
      void gate.promise.then(() => response.end('done'))
    })
    await world.http('b')
    const dispatcher = world.dispatcher({ pool: { connections: 1 } })
    // in order: a, b, a
    const one = request('http://orders.sd/1', { dispatcher }).then(({ body }) => body.text())
    await (await request('http://orders.sd/2', { dispatcher })).body.dump()
    const queued = request('http://orders.sd/3', { dispatcher, method: 'POST', body: 'x' }).then(
      ({ body }) => body.text(),
    )
    await expect.poll(() => server.requests).toBe(1)
    await world.deregister('a')
    await sleep(20)
    for (let i = 0; i < 3; i += 1)
      await (await request('http://orders.sd/', { dispatcher })).body.dump()
    expect(server.requests).toBe(1)
    gate.resolve()
    expect(await one).toBe('/1 done')
    expect(await queued).toBe('/3 done')
    await expect.poll(() => server.open).toBe(0)
    await expect.poll(() => dispatcher.stats.pools).toBe(1)
  })

  test('drained by weight 0, it gets no new request either; idle connections close', async () => {
    await using world = await World.create()
    const server = await world.http('a')
    await world.http('b')
    const dispatcher = world.dispatcher()
    for (let i = 0; i < 2; i += 1)
      await (await request('http://orders.sd/', { dispatcher })).body.dump()
    await world.registrations.get('a')?.update({ weight: 0 })
    await expect.poll(() => server.open).toBe(0)
    const before = server.requests
    for (let i = 0; i < 4; i += 1)
      await (await request('http://orders.sd/', { dispatcher })).body.dump()
    expect(server.requests).toBe(before)
  })

  test('and another one has its address, the connections stay', async () => {
    await using world = await World.create()
    const server = await world.http('a')
    const dispatcher = world.dispatcher({ pool: { connections: 1 } })
    await (await request('http://orders.sd/', { dispatcher })).body.dump()
    await world.register('b', server.endpoint)
    await world.deregister('a')
    await (await request('http://orders.sd/', { dispatcher })).body.dump()
    await sleep(50)
    await (await request('http://orders.sd/', { dispatcher })).body.dump()
    expect(server.connections).toBe(1)
  })
})

test('a weight that changes 1,000 times opens no connection', async () => {
  await using world = await World.create()
  const servers = [await world.http('a'), await world.http('b'), await world.http('c')]
  const dispatcher = world.dispatcher({ balancer: { strategy: 'weighted' } })
  const get = async (): Promise<void> =>
    (await request('http://orders.sd/', { dispatcher })).body.dump()
  while (servers.some(({ requests }) => requests === 0)) await get()
  const before = servers.map(({ connections }) => connections)
  const registration = world.registrations.get('b')
  for (let i = 0; i < 1_000; i += 1) {
    await registration?.update({ weight: 1 + (i % 100) })
    if (i % 10 === 0) await get()
  }
  expect(servers.map(({ connections }) => connections)).toEqual(before)
})

describe('unused resources are released:', () => {
  test('the pools and the watch of a service without requests', async () => {
    await using world = await World.create()
    const server = await world.http('a')
    const dispatcher = world.dispatcher({ idleMs: 50 })
    await (await request('http://orders.sd/', { dispatcher })).body.dump()
    expect(world.registry.health().watches).toHaveLength(1)
    await expect.poll(() => dispatcher.stats).toMatchObject({ services: 0, pools: 0 })
    expect(world.registry.health().watches).toHaveLength(0)
    expect(server.open).toBe(0)
    // and opened again for the next request
    await (await request('http://orders.sd/', { dispatcher })).body.dump()
    expect(server.requests).toBe(2)
  })

  test('but not while a request is in flight', async () => {
    await using world = await World.create()
    const gate = Promise.withResolvers<void>()
    await world.http('a', (_request, response) => {
      response.write('first ')
      void gate.promise.then(() => response.end('last'))
    })
    const dispatcher = world.dispatcher({ idleMs: 20 })
    const response = await request('http://orders.sd/', { dispatcher })
    await sleep(120)
    expect(dispatcher.stats).toMatchObject({ services: 1, pools: 1 })
    gate.resolve()
    expect(await response.body.text()).toBe('first last')
    await expect.poll(() => dispatcher.stats.services).toBe(0)
  })

  test('the pool of an instance that gets no requests, of a service that does', async () => {
    await using world = await World.create()
    await world.http('a')
    await world.http('b')
    const dispatcher = world.dispatcher({
      idleMs: 60,
      balancer: { strategy: 'sticky' },
      key: 'x-user',
    })
    const get = async (user: string): Promise<void> =>
      (await request('http://orders.sd/', { dispatcher, headers: { 'x-user': user } })).body.dump()
    for (let i = 0; dispatcher.stats.pools < 2; i += 1) await get(`user-${i}`)
    await expect
      .poll(async () => {
        await get('user-0')
        return dispatcher.stats.pools
      })
      .toBe(1)
  })
})

test('connections emit the events of undici’s Agent', async () => {
  await using world = await World.create()
  const server = await world.http('a')
  const dispatcher = world.dispatcher()
  const told: string[] = []
  dispatcher.on('connect', (origin, targets) =>
    told.push(`connect ${origin.origin} ${targets[0] === dispatcher}`),
  )
  dispatcher.on('disconnect', (origin) => told.push(`disconnect ${origin.origin}`))
  await (await request('http://orders.sd/', { dispatcher })).body.dump()
  await world.deregister('a')
  await expect
    .poll(() => told)
    .toEqual([`connect ${server.endpoint} true`, `disconnect ${server.endpoint}`])
})
