import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { MemoryStore } from '@sd/memory'
import { MemoryFaults } from '@sd/memory/faults'
import { createRegistry, type Registration, type Registry } from '@sd/registry'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { healthHandlers, weightHandler } from '../src/index.ts'

let store: MemoryStore
let registry: Registry
let registration: Registration
let server: Server | undefined
beforeEach(async () => {
  store = new MemoryStore()
  registry = await createRegistry({ backend: 'memory', store, ttlMs: 1_000 })
  registration = await registry.register({
    service: 'orders',
    id: 'orders-1',
    endpoints: ['http://10.0.0.7:80'],
  })
})
afterEach(async () => {
  server?.close()
  await registry.close()
})

const allow = { authorize: () => true }
const url = 'http://localhost/weight'

describe('weightHandler', () => {
  test('shows the instance and changes its weight in place', async () => {
    const handle = weightHandler(registration, allow)
    expect(await (await handle(new Request(url))).json()).toMatchObject({
      id: 'orders-1',
      weight: 100,
    })
    for (const [method, weight] of [
      ['PUT', 7],
      ['POST', 0],
    ] as const) {
      const response = await handle(new Request(`${url}?weight=${weight}`, { method }))
      expect(response.status).toBe(200)
      expect(await registry.list('orders')).toMatchObject([{ weight }])
    }
  })

  test.each(['', '?weight=', '?weight=-1', '?weight=65536', '?weight=1.5', '?weight=ten'])(
    'refuses the weight of "%s"',
    async (query) => {
      const response = await weightHandler(
        registration,
        allow,
      )(new Request(`${url}${query}`, { method: 'PUT' }))
      expect([response.status, await response.json()]).toEqual([
        400,
        { error: 'expected ?weight=N with a whole number from 0 to 65535' },
      ])
      expect(registration.instance.weight).toBe(100)
    },
  )

  test('refuses other methods, and callers without permission', async () => {
    const other = await weightHandler(registration, allow)(new Request(url, { method: 'DELETE' }))
    expect([other.status, other.headers.get('allow')]).toEqual([405, 'GET, HEAD, PUT, POST'])
    const handle = weightHandler(registration, {
      authorize: (request) => request.headers.get('authorization') === 'Bearer t',
    })
    const put = (headers: Record<string, string>): Promise<Response> =>
      handle(new Request(`${url}?weight=1`, { method: 'PUT', headers }))
    expect((await put({})).status).toBe(403)
    expect(registration.instance.weight).toBe(100)
    expect((await put({ authorization: 'Bearer t' })).status).toBe(200)
  })

  test('needs authorize', () => {
    expect(() => weightHandler(registration, {} as never)).toThrow('authorize is missing')
  })

  test('says that the registration has ended', async () => {
    await registration.deregister()
    const response = await weightHandler(
      registration,
      allow,
    )(new Request(`${url}?weight=1`, { method: 'PUT' }))
    expect(response.status).toBe(409)
  })

  test('serves node:http', async () => {
    const { node } = weightHandler(registration, allow)
    server = createServer(node).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/weight`
    const response = await fetch(`${base}?weight=9`, { method: 'POST' })
    expect([response.status, await response.json()]).toMatchObject([200, { weight: 9 }])
    expect(await (await fetch(base, { method: 'HEAD' })).text()).toBe('')
  })
})

describe('healthHandlers', () => {
  const ask = async (handler: () => Response): Promise<readonly [number, unknown]> => {
    const response = handler()
    return [response.status, await response.json()]
  }

  test('is ready while it is registered, and otherwise says why not', async () => {
    const { livez, readyz } = healthHandlers(registry)
    expect(await ask(readyz)).toMatchObject([200, { status: 'ok', session: 'live' }])
    const rival = await createRegistry({ backend: 'memory', store })
    await rival.register({ service: 'orders', id: 'orders-1', endpoints: ['http://10.0.0.8:80'] })
    for await (const { state } of registration.statuses()) if (state === 'superseded') break
    expect(await ask(readyz)).toMatchObject([
      503,
      { status: 'not ready', reasons: [expect.any(String)] },
    ])
    expect(await ask(livez)).toEqual([200, { status: 'ok' }])
    await rival.close()
  })

  test('shows the health of each instance: not ready while draining, ready while failing', async () => {
    const { readyz } = healthHandlers(registry)
    let works = true
    await registry.register(
      { service: 'checked', id: 'c', endpoints: ['http://10.0.0.7:81'] },
      { check: () => works, intervalMs: 20, failuresBeforeFailing: 1 },
    )
    await registration.setHealth('draining')
    expect(await ask(readyz)).toMatchObject([
      503,
      { reasons: ['orders/orders-1 is draining'], registrations: [{ health: 'draining' }, {}] },
    ])
    await registration.setHealth('passing')
    works = false
    await vi.waitFor(async () =>
      expect(await ask(readyz)).toMatchObject([
        200,
        {
          registrations: [
            { health: 'passing' },
            { health: 'failing', checkFailure: expect.stringContaining('it returned false') },
          ],
        },
      ]),
    )
  })

  test('stays ready while the registry is unreachable, and says which views are stale', async () => {
    const { readyz } = healthHandlers(registry)
    const watcher = registry.watch('orders')
    await watcher.next()
    const faults = new MemoryFaults(store)
    faults.stop()
    while ((await watcher.next())?.type !== 'stale');
    expect(await ask(readyz)).toMatchObject([
      200,
      { watches: [{ service: 'orders', fresh: false }] },
    ])
    watcher.close()
    faults.start()
  })
})
