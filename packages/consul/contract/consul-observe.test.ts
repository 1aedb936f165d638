import type { DriverSession, RegistryDriver } from '@sd/core/driver'
import { eventually } from '@sd/contract-tests'
import { codeOf, ManualClock, observing, ref, request, soon } from '@sd/contract-tests/world'
import { TcpProxy } from '@sd/contract-tests/servers'
import { consul, provideServers } from '@sd/test-servers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answerMs, blockingQuery } from '../src/client/blocking-query.ts'
import { ConsulClient, maxBlockingQueries } from '../src/client/consul-client.ts'
import { Semaphore } from '../src/client/semaphore.ts'
import { Keys } from '../src/keys.ts'
import { StrangeHost } from './strange-host.ts'
import { Admin, connect } from './support.ts'

const servers = await provideServers(consul)
const host = servers.endpoints[0] ?? ''
const admin = new Admin(host)
const namespace = `observe-${process.pid}`
const keys = new Keys(namespace)

let driver: RegistryDriver
let session: DriverSession

beforeAll(async () => {
  driver = connect(host, { namespace })
  session = await driver.openSession({ ttlMs: 60_000 }, soon())
})
afterAll(async () => {
  await session.close(soon())
  await driver[Symbol.asyncDispose]()
  await servers[Symbol.asyncDispose]()
})

const put = (service: string, id: string, seq = 0) =>
  session.put([request(id, { seq }, { service })], soon())

describe('a service', () => {
  test('delivers what changed, and nothing else', async () => {
    await using watch = observing(driver, { service: 'deltas' })
    expect(await watch.next()).toEqual({ type: 'snapshot', records: [], skipped: [] })
    await put('deltas', 'a')
    expect(await watch.next()).toMatchObject({ type: 'changes', records: [{ claim: { seq: 0 } }] })
    await put('deltas', 'b')
    await put('deltas', 'a', 1)
    const told: string[] = []
    while (told.length < 2) {
      const observation = await watch.next()
      if (observation.type !== 'alive')
        told.push(
          ...observation.records.map(({ claim, instance }) => `${instance.id} ${claim?.seq}`),
        )
    }
    expect(told.toSorted()).toEqual(['a 1', 'b 0'])
    await session.remove([ref('a', 'a', 'deltas'), ref('b', 'a', 'deltas')], soon())
    let removed = 0
    while (removed < 2) {
      const observation = await watch.next()
      if (observation.type === 'changes') removed += observation.removed.length
    }
  })

  test('W3: continues within its wait when a snapshot is restored under the open query', async () => {
    await put('rewound', 'a')
    const snapshot = await admin.snapshot()
    await put('rewound', 'b')
    await using watch = observing(driver, { service: 'rewound' })
    expect((await watch.next()).type).toBe('snapshot')
    for (let count = 0; count < 20; count += 1) await admin.put(`kv/bump${count}`, 'x')
    await admin.restore(snapshot)
    await put('rewound', 'c')
    const ids: string[] = []
    // its agent restores b, so that its removal may never be delivered
    while (!ids.includes('c')) {
      const observation = await watch.next()
      if (observation.type !== 'alive')
        ids.push(...observation.records.map(({ instance }) => instance.id))
    }
  }, 20_000)

  test('D3: a foreign service of the same name is skipped and does not count as a service', async () => {
    const Name = keys.serviceName('mixed')
    await admin.put('agent/service/register', { Name, ID: 'foreign' })
    await put('mixed', 'a')
    const { records, skipped } = await driver.list({ service: 'mixed' }, soon())
    expect([records.length, skipped.length]).toEqual([1, 1])
    await session.remove([ref('a', 'a', 'mixed')], soon())
    expect((await driver.list({ services: true }, soon())).services).not.toContain('mixed')
    await admin.deregister('foreign')
  })
})

test('names, and all instances: one blocking query each, and every edit is delivered', async () => {
  // of a namespace that no earlier test wrote to: the catalog follows an agent with a delay
  await using own = connect(host, { namespace: `${namespace}-all` })
  const writing = await own.openSession({ ttlMs: 60_000 }, soon())
  const write = (seq = 0) => writing.put([request('a', { seq }, { service: 'first' })], soon())
  await using names = observing(own, { services: true })
  await using all = observing(own, { all: true })
  const first = await names.next()
  expect(first.type).toBe('snapshot')
  expect((await all.next()).type).toBe('snapshot')
  await write()
  expect(await names.next()).toMatchObject({ type: 'changes', services: ['first'] })
  expect(await all.next()).toMatchObject({ records: [{ instance: { service: 'first' } }] })
  await write(1)
  expect(await all.next()).toMatchObject({ records: [{ claim: { seq: 1 } }] })
  await writing.remove([ref('a', 'a', 'first')], soon())
  expect(await names.next()).toMatchObject({ removedServices: ['first'] })
  expect(await all.next()).toMatchObject({ removed: [expect.stringContaining('first__a')] })
  await writing.close(soon())
})

describe('connections', () => {
  const watched = 250

  test('250 watched services share them, heartbeats and writes continue, and all changes are delivered', async () => {
    await using proxy = await TcpProxy.to(host)
    await using own = connect(proxy.endpoint, { namespace })
    const services = Array.from({ length: watched }, (_, index) => `w${index}`)
    const watches = services.map((service) => observing(own, { service }))
    for (const watch of watches) expect((await watch.any()).type).toBe('snapshot')
    const told = watches.map(async (watch) => {
      await watch.next()
      return performance.now()
    })
    // each query is either held by the server or waits for a permit
    await eventually(
      'the permits are taken',
      5000,
      () => proxy.connections >= maxBlockingQueries,
      () => proxy.connections,
    )
    const began = performance.now()
    await session.renew(soon())
    await own.probe(soon())
    const written = new Map<string, number>()
    await Promise.all(
      services.map(async (service) => {
        await put(service, 'a')
        written.set(service, performance.now())
      }),
    )
    const ends = await Promise.all(told)
    // the server's limit is 200, for all processes of a host
    expect(proxy.connections).toBeLessThanOrEqual(125)
    const delays = ends.map((at, index) => at - (written.get(services[index] ?? '') ?? began))
    // polled once a second beyond the budget, on a machine with other load: a permit that is never
    // given back costs the 10 s that a server holds a query
    expect(Math.max(...delays)).toBeLessThan(9_000)
    expect(maxBlockingQueries).toBeLessThan(watched)
    for (const watch of watches) await watch[Symbol.asyncDispose]()
    // the queries that the server still holds leave permits for others
    await using after = observing(own, { service: 'after' })
    expect((await after.any()).type).toBe('snapshot')
    await put('after', 'a')
    expect((await after.next()).type).toBe('changes')
  })
})

describe('a faulty agent', () => {
  const entry =
    '[{"Node":{"Node":"n"},"Service":{"ID":"x","Service":"orders","Meta":null},"Checks":[]}]'

  test('whose index always rises causes no loop without a pause, and no events', async () => {
    await using strange = await StrangeHost.that((response, count) => {
      response.setHeader('x-consul-index', String(count))
      response.end(entry)
    })
    await using own = connect(strange.host)
    await using watch = observing(own)
    expect((await watch.any()).type).toBe('snapshot')
    const began = performance.now()
    let alive = 0
    while (performance.now() - began < 1500) alive += (await watch.any()).type === 'alive' ? 1 : 0
    // three at once, then ten a second
    expect(strange.requests).toBeLessThanOrEqual(3 + 16 + 2)
    expect(alive).toBeGreaterThanOrEqual(strange.requests - 2)
  })

  test('that stops answering, also without an open query, is given up in time', async () => {
    // its index goes back, so that the watch reads again, and that read is never answered
    const indexes = ['7', '3']
    await using strange = await StrangeHost.that((response, count) => {
      const index = indexes[count - 1]
      if (index === undefined) return
      response.setHeader('x-consul-index', index)
      response.end(entry)
    })
    const clock = new ManualClock()
    const client = new ConsulClient({ endpoint: `http://${strange.host}` }, clock)
    const options = { client, permits: new Semaphore(1, clock) }
    const query = {
      pool: 'calls',
      path: 'health/service/x?passing',
      operation: 'observe',
    } as const
    const answers = blockingQuery(options, () => query, soon(20_000))
    await answers.next()
    await answers.next()
    const third = codeOf(answers.next())
    await eventually('the read is requested', 5000, () => strange.requests === 3)
    await clock.advance(answerMs)
    expect(await third).toBe('timeout')
    await client.close()
  })

  test('that returns no index is queried with index 1, not repeatedly with 0', async () => {
    await using strange = await StrangeHost.that((response) => response.end(entry))
    await using own = connect(strange.host)
    await using watch = observing(own)
    expect((await watch.any()).type).toBe('snapshot')
    expect((await watch.any()).type).toBe('alive')
  })

  test('that breaks off in a body, or sends something else than JSON, is unavailable at once', async () => {
    const worst: ((socket: Parameters<Parameters<typeof StrangeHost.that>[0]>[0]) => void)[] = [
      (response) => {
        response.setHeader('content-length', '1000')
        response.write('[{"a":1},', () => response.socket?.destroy())
      },
      (response) => response.socket?.destroy(),
      (response) => response.socket?.end('SSH-2.0-OpenSSH_9.2\r\n'),
      (response) => response.end('<html>hello</html>'),
      (response) => {
        response.statusCode = 429
        response.end('too many')
      },
    ]
    for (const answer of worst) {
      await using strange = await StrangeHost.that(answer)
      await using own = connect(strange.host)
      const began = performance.now()
      expect(await codeOf(own.list({ service: 'orders' }, soon()))).toBe('unavailable')
      expect(await codeOf(observing(own).any())).toBe('unavailable')
      expect(performance.now() - began).toBeLessThan(1000)
    }
  })
})
