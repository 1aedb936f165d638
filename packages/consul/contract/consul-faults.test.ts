import type { Observation } from '@sd/core/driver'
import { eventually } from '@sd/contract-tests'
import {
  codeOf,
  idsOf,
  instance,
  lists,
  observing,
  orders,
  pass,
  request,
  soon,
} from '@sd/contract-tests/world'
import { type Cluster, type Server, TcpProxy } from '@sd/contract-tests/servers'
import { consul, launch, provisionFor } from '@sd/test-servers'
import { request as httpRequest } from 'undici'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { capMs, graceMs, RegistryWorld, slackMs, ttlMs } from './registry-world.ts'
import { maxBlockingQueries } from '../src/client/consul-client.ts'
import { StrangeHost } from './strange-host.ts'
import { Admin, connect, httpOf } from './support.ts'

const controllable = (await provisionFor('consul')).how !== 'endpoint'

type Snapshot = Extract<Observation, { type: 'snapshot' }>

/** Failures while the agent is away. */
const whileAway = (): void => {}

describe.runIf(controllable)('one agent', () => {
  let cluster: Cluster
  let server: Server
  let host: string

  beforeAll(async () => {
    cluster = await launch(consul)
    server = cluster.servers[0] as Server
    host = httpOf(server)
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  test('killed and started again: while its log is replayed, no earlier state is read', async () => {
    const driver = connect(host, { namespace: 'replayed' })
    const session = await driver.openSession({ ttlMs: 60_000 }, soon())
    const last = 300
    for (let seq = 0; seq <= last; seq += 1) await session.put([request('1', { seq })], soon())
    await server.stop('kill')
    const seen = new Set<number | undefined>()
    const see = (records: readonly { readonly claim?: { readonly seq: number } }[]): void =>
      void seen.add(records[0]?.claim?.seq)
    const started = server.start()
    const over = new AbortController()
    const read = async (): Promise<void> => {
      while (!over.signal.aborted) {
        await driver.list(orders, soon()).then(({ records }) => see(records), whileAway)
        await driver.list({ all: true }, soon()).then(({ records }) => see(records), whileAway)
      }
    }
    const watch = async (): Promise<void> => {
      while (!over.signal.aborted) {
        const stream = driver.observe(orders, undefined, soon())
        const first = stream[Symbol.asyncIterator]()
        await first.next().then(({ value }) => see((value as Snapshot).records), whileAway)
        await first.return?.().catch(whileAway)
      }
    }
    const readers = [read(), watch()]
    await started
    await eventually('the last state is read', slackMs, () => seen.has(last))
    over.abort()
    await Promise.all(readers)
    expect([...seen]).toEqual([last])
    await session.close(soon())
    await driver[Symbol.asyncDispose]()
  })

  test('killed: unavailable at once, and the same session and checks afterwards', async () => {
    const driver = connect(host, { namespace: 'killed' })
    const session = await driver.openSession({ ttlMs: 60_000 }, soon())
    await session.put([request('1')], soon())
    await using watch = observing(driver)
    await watch.any()
    const broken = codeOf(watch.next())
    await server.stop('kill')
    expect(await broken).toBe('unavailable')
    expect(
      await session.put([request('2')], soon()).then(
        () => 'none',
        (error: Error) => error.message,
      ),
    ).toContain('is the agent at the endpoint running')
    for (const work of [
      () => session.renew(soon()),
      () => driver.list(orders, soon()),
      () => driver.probe(soon()),
      () => driver.openSession({ ttlMs: 5000 }, soon()),
    ])
      expect(await codeOf(work())).not.toBe('none')
    await server.start()
    await session.renew(soon())
    expect(await idsOf(driver)).toEqual(['1'])
    await session.close(soon())
    await driver[Symbol.asyncDispose]()
  })

  test('R6: a create whose answer is lost is removed, and fenced for one ttl', async () => {
    // forwards everything to the agent, and drops the connection before it answers a registration
    let dying = false
    await using between = await StrangeHost.that((response) => {
      const { method = 'GET', url = '' } = response.req
      const asked = { method: method as 'GET', body: method === 'GET' ? null : response.req }
      void (async () => {
        const answer = await httpRequest(`http://${host}${url}`, asked)
        const text = await answer.body.text()
        if (dying && url.includes('/register')) {
          response.socket?.destroy()
          return
        }
        response.statusCode = answer.statusCode
        response.end(text)
      })()
    })
    const driver = connect(between.host, { namespace: 'fence' })
    const session = await driver.openSession({ ttlMs: 1000 }, soon())
    await session.put([request('1')], soon())
    dying = true
    expect(await codeOf(session.put([request('2')], soon()))).toBe('unavailable')
    const admin = new Admin(host)
    expect(await admin.writtenBy(session.id)).toHaveLength(2)
    const closing = session.close(soon())
    const began = performance.now()
    await eventually(
      'the record is removed at once',
      slackMs,
      async () => (await admin.writtenBy(session.id)).length === 0,
    )
    // a write that arrives later
    await admin.put('agent/service/register', {
      Name: 'late',
      ID: 'late',
      Meta: { sd_session: session.id },
    })
    await closing
    expect(performance.now() - began).toBeGreaterThan(900)
    expect(await admin.writtenBy(session.id)).toEqual([])
    await driver[Symbol.asyncDispose]()
  })

  test('R4: a slow link, and a reset of every connection: no watcher receives an event', async () => {
    await using proxy = await TcpProxy.to(host)
    await using world = new RegistryWorld()
    const owner = world.registry(proxy.endpoint)
    const watching = world.registry(proxy.endpoint)
    const told = world.told(watching)
    for (const id of ['a', 'b']) await owner.register(instance(id))
    await told.sees(['a', 'b'], slackMs)
    proxy.latency(ttlMs / 20)
    await pass(ttlMs)
    proxy.latency(0)
    proxy.reset()
    await eventually(
      'all is well',
      capMs + slackMs,
      () => owner.health().ok && watching.health().ok,
    )
    await pass(ttlMs)
    expect(told.removed).toEqual([])
  })

  test('R5, W4: wiped: five instances return, and no watcher sees more than half removed', async () => {
    await using world = new RegistryWorld()
    const owner = world.registry(host)
    const watching = world.registry(host)
    const ids = ['a', 'b', 'c', 'd', 'e']
    for (const id of ids) await owner.register(instance(id))
    const told = world.told(watching)
    await told.sees(ids, slackMs)
    await server.stop('kill')
    await server.wipe()
    await server.start()
    await lists(watching, ids, capMs + 1000 + slackMs)
    await pass(ttlMs)
    expect(told.removed.length).toBeLessThanOrEqual(2)
    await told.sees(ids, slackMs)
  })

  test('R3: an owner without heartbeats is removed from every view, long before Consul deletes it', async () => {
    await using world = new RegistryWorld()
    const watching = world.registry(host)
    const told = world.told(watching)
    const names = watching.watchServices()
    const driver = connect(host, { namespace: world.namespace })
    const session = await driver.openSession({ ttlMs }, soon())
    await session.put([request('mortal')], soon())
    await told.sees(['mortal'], slackMs)
    await eventually('its service is delivered', slackMs, () => names.has('orders'))
    const began = performance.now()
    await told.sees([], ttlMs + graceMs + slackMs)
    const tookMs = performance.now() - began
    expect(tookMs).toBeGreaterThan(ttlMs - 500)
    await eventually('its service is removed as well', slackMs, () => !names.has('orders'))
    expect(await watching.listServices()).toEqual([])
    // still in Consul's catalog
    expect(await new Admin(host).writtenBy(session.id)).toHaveLength(1)
    await session.close(soon())
    await driver[Symbol.asyncDispose]()
  })

  test('watches that are closed and opened again do not exhaust the server’s limit', async () => {
    await using proxy = await TcpProxy.to(host)
    await using own = connect(proxy.endpoint)
    for (let round = 0; round < 3; round += 1) {
      const began = performance.now()
      const watches = Array.from({ length: maxBlockingQueries }, (_, index) =>
        observing(own, { service: `r${round}w${index}` }),
      )
      for (const watch of watches) expect((await watch.any()).type).toBe('snapshot')
      const second = watches.map((watch) => watch.any().catch((error: unknown) => error))
      if (round === 0)
        await eventually(
          'the permits are taken',
          5000,
          () => proxy.connections >= maxBlockingQueries,
          () => proxy.connections,
        )
      // the server still holds the closed queries: meanwhile the watches take turns
      const told = round === 0 ? [] : await Promise.all(second)
      expect(told.filter((each) => (each as { type?: string }).type !== 'alive')).toEqual([])
      expect(performance.now() - began).toBeLessThan(5000)
      for (const watch of watches) await watch[Symbol.asyncDispose]()
    }
    await using stranger = connect(host)
    await stranger.list(orders, soon())
  })
})
