import type { Observation, RegistryDriver } from '@sd/core/driver'
import { codeOf, many, observing, orders, ref, request, soon } from '@sd/contract-tests/world'
import { TcpProxy } from '@sd/contract-tests/servers'
import { until } from '@sd/test-servers'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { admin, ask, connect, follow } from './support.ts'
import { inFrontOf, plainOf, provideZooKeeper } from './test-tls.ts'

const servers = await provideZooKeeper()
const endpoint = servers.endpoints[0] ?? ''

let namespaces = 0
let namespace: string
let driver: RegistryDriver

afterAll(() => servers[Symbol.asyncDispose]())
beforeEach(() => {
  namespace = `observe-${process.pid}-${namespaces++}`
  driver = connect(servers.endpoints, { namespace })
})
afterEach(() => driver[Symbol.asyncDispose]())

const idsIn = (observation: Observation): string[] =>
  observation.type === 'alive' ? [] : observation.records.map(({ instance }) => instance.id)

describe('observe', () => {
  test('R4, R7: a record that is taken over, or moves to another session, is never delivered as removed', async () => {
    const sessions = await Promise.all(
      [1, 2, 3].map(() => driver.openSession({ ttlMs: 8_000 }, soon())),
    )
    const rounds = 300
    await sessions[0]?.put([request('1', { seq: 0 })], soon())
    const end = new AbortController()
    const other = connect(servers.endpoints, { namespace })
    const followers = [orders, { all: true } as const].map((scope) =>
      follow(other, scope, end.signal),
    )
    await until('both have begun', () => followers.every(({ counts }) => counts.snapshots === 1))
    for (let seq = 1; seq <= rounds; seq++)
      expect(
        await sessions[seq % 3]?.put([request('1', { claimedAtMs: seq, seq })], soon()),
      ).toMatchObject([{ result: 'written' }])
    for (const { view, counts } of followers) {
      await until('the last update is delivered', () => view.get('orders/1') === rounds)
      expect(counts).toEqual({ snapshots: 1, breaks: 0, removals: 0 })
    }
    end.abort()
    await Promise.all(followers.map(({ ended }) => ended))
    for (const session of sessions) await session.close(soon())
    await other[Symbol.asyncDispose]()
  })

  test('D3: a record that becomes unreadable is delivered as skipped', async () => {
    const session = await driver.openSession({ ttlMs: 8_000 }, soon())
    await session.put([request('1')], soon())
    await using client = await admin(endpoint)
    const write = (text: string): Promise<unknown> =>
      client.set(`/${namespace}/orders/1`, new TextEncoder().encode(text), -1, soon())
    await write('')
    await using watch = observing(driver)
    expect(await watch.next()).toMatchObject({ skipped: [{ key: 'orders/1' }] })
    await write('[]')
    expect(await watch.next()).toMatchObject({ records: [], skipped: [{ key: 'orders/1' }] })
    await session.close(soon())
  })

  test('every service: new ones, and nodes that an operator deletes', async () => {
    const session = await driver.openSession({ ttlMs: 8_000 }, soon())
    await using watch = observing(driver, { all: true })
    expect(await watch.next()).toMatchObject({ type: 'snapshot', records: [] })
    await session.put([request('1'), request('1', {}, { service: 'users' })], soon())
    const seen: Observation[] = []
    await until('both', async () => {
      seen.push(await watch.next())
      return seen.flatMap(idsIn).length === 2
    })
    await using client = await admin(endpoint)
    await client.multi(
      [
        { type: 'delete', path: `/${namespace}/users/1`, version: -1 },
        { type: 'delete', path: `/${namespace}/users`, version: -1 },
      ],
      soon(),
    )
    expect(await watch.next()).toMatchObject({ type: 'changes', removed: ['users/1'] })
    await session.put([request('2', {}, { service: 'users' })], soon())
    expect(await watch.next()).toMatchObject({ records: [{ key: 'users/2' }] })
    await session.close(soon())
  })

  test('names are added and removed with their records', async () => {
    const session = await driver.openSession({ ttlMs: 8_000 }, soon())
    await session.put([request('1')], soon())
    await using watch = observing(driver, { services: true })
    expect(await watch.next()).toMatchObject({ type: 'snapshot', services: ['orders'] })
    await session.put([request('2'), request('1', {}, { service: 'users' })], soon())
    expect(await watch.next()).toMatchObject({ services: ['users'], removedServices: [] })
    await session.remove([ref('1'), ref('2')], soon())
    expect(await watch.next()).toMatchObject({ services: [], removedServices: ['orders'] })
    await session.put([request('3')], soon())
    expect(await watch.next()).toMatchObject({ services: ['orders'], removedServices: [] })
    await session.close(soon())
    const gone: string[] = []
    await until('both are removed', async () => {
      const last = await watch.next()
      if (last.type === 'changes') gone.push(...(last.removedServices ?? []))
      return gone.length === 2
    })
    expect(gone.toSorted()).toEqual(['orders', 'users'])
  })

  test('an update of the record that represents a name reads only that record, and no list', async () => {
    const session = await driver.openSession({ ttlMs: 8_000 }, soon())
    const all = many(100, 'one-of-many-names-')
    await session.put(all, soon())
    await using proxy = await TcpProxy.to(endpoint)
    await using watcher = connect([proxy.endpoint], { namespace })
    await using watch = observing(watcher, { services: true })
    expect(await watch.any()).toMatchObject({ type: 'snapshot', services: ['orders'] })
    const before = proxy.bytes.fromServer
    await session.put(
      all.map((item) => ({ ...item, claim: { ...item.claim, seq: 1 } })),
      soon(),
    )
    expect(await watch.any()).toEqual({ type: 'alive' })
    expect(proxy.bytes.fromServer - before).toBeLessThan(1_000)
    await session.close(soon())
  })

  test('D4: a namespace below this one adds no name and no record', async () => {
    const below = connect(servers.endpoints, { namespace: `${namespace}/eu` })
    const session = await below.openSession({ ttlMs: 8_000 }, soon())
    await using names = observing(driver, { services: true })
    await using all = observing(driver, { all: true })
    await using eu = observing(driver, { service: 'eu' })
    for (const watch of [names, all, eu]) await watch.next()
    await session.put([request('1'), request('2', {}, { service: 'users' })], soon())
    const own = await driver.openSession({ ttlMs: 8_000 }, soon())
    await own.put([request('x', {}, { service: 'eu' })], soon())
    expect(await names.next()).toMatchObject({ services: ['eu'], removedServices: [] })
    for (const watch of [all, eu])
      expect(await watch.next()).toMatchObject({ records: [{ key: 'eu/x' }], skipped: [] })
    await own.close(soon())
    expect(await names.next()).toMatchObject({ services: [], removedServices: ['eu'] })
    await session.close(soon())
    await below[Symbol.asyncDispose]()
  })

  test('many observations share one connection, and ended ones leave nothing behind', async () => {
    const session = await driver.openSession({ ttlMs: 8_000 }, soon())
    await session.put(many(50), soon())
    await using proxy = await TcpProxy.to(endpoint)
    const watcher = connect([proxy.endpoint], { namespace })
    const watches = Array.from({ length: 20 }, () => observing(watcher))
    for (const watch of watches) await watch.next()
    expect(proxy.connections).toBe(1)
    for (const watch of watches.slice(1)) await watch[Symbol.asyncDispose]()
    for (let round = 0; round < 50; round++) {
      await using watch = observing(watcher)
      await watch.next()
    }
    const before = proxy.bytes.fromServer
    await session.put([request('1x')], soon())
    expect(idsIn((await watches[0]?.next()) as Observation)).toEqual(['1x'])
    // two events and one record
    expect(proxy.bytes.fromServer - before).toBeLessThan(1_000)
    await watcher[Symbol.asyncDispose]()
    await session.close(soon())
  })

  test('an observation of a service that never appears leaves no watch on the server', async () => {
    const watched = async (): Promise<boolean> =>
      (await ask(endpoint, 'wchp')).includes(`/${namespace}/never`)
    {
      await using watch = observing(driver, { service: 'never' })
      await watch.next()
      expect(await watched()).toBe(true)
    }
    await until('the watch is removed', async () => !(await watched()))
    await driver.probe(soon())
  })

  test('300 instances that come and go in a service of 2,000 cost one event or two and one record each', async () => {
    const session = await driver.openSession({ ttlMs: 8_000 }, soon())
    const all = many(2_000)
    for (let from = 0; from < 2_000; from += 125)
      await session.put(all.slice(from, from + 125), soon())
    await using proxy = await TcpProxy.to(plainOf(servers))
    await using front = await inFrontOf(proxy.endpoint)
    const watcher = connect([front.endpoint], { namespace })
    const end = new AbortController()
    const { view, ended } = follow(watcher, orders, end.signal)
    await until('it has begun', () => view.size === 2_000)
    const before = proxy.bytes.fromServer
    for (let at = 0; at < 300; at++) {
      await session.put([request(`more${at}`)], soon())
      if (at >= 150) await session.remove([ref(`more${at - 150}`)], soon())
    }
    for (let at = 150; at < 300; at++) await session.remove([ref(`more${at}`)], soon())
    await session.put([request('last')], soon())
    await until('it has seen all', () => view.size === 2_001 && view.has('orders/last'))
    const bytes = proxy.bytes.fromServer - before
    process.stderr.write(`300 came and went in a service of 2,000: ${bytes} B received\n`)
    expect(bytes).toBeLessThan(200_000)
    end.abort()
    await ended
    await watcher[Symbol.asyncDispose]()
    await session.close(soon())
  })

  test('W3: no change is lost between a snapshot of thousands and the watch', async () => {
    const session = await driver.openSession({ ttlMs: 8_000 }, soon())
    for (let from = 0; from < 20; from++) await session.put(many(125, `b${from}-`), soon())
    const end = new AbortController()
    let seq = 0
    const writer = (async () => {
      while (!end.signal.aborted)
        await session.put(
          many(25, `b${seq % 20}-`).map((item) => ({
            ...item,
            claim: { ...item.claim, seq: ++seq },
          })),
          soon(),
        )
    })()
    const followers = Array.from({ length: 3 }, () => follow(driver, orders, end.signal))
    await until('all have begun', () => followers.every(({ counts }) => counts.snapshots > 0))
    const begun = seq
    await until('hundreds of changes', () => seq > begun + 1_000)
    const truth = async (): Promise<[string, number][]> =>
      (await driver.list(orders, soon())).records.map(({ key, claim }) => [key, claim?.seq ?? -1])
    const before = await truth()
    expect(before).toHaveLength(2500)
    for (const { view, counts } of followers) {
      await until('caught up', () => before.every(([key, at]) => (view.get(key) ?? -1) >= at))
      expect(counts).toMatchObject({ breaks: 0, removals: 0 })
    }
    end.abort(new Error('test over'))
    await Promise.all([writer, ...followers.map(({ ended }) => ended)])
    await session.close(soon())
  })

  test('5,000 instances of one service: a change reads one record', async () => {
    const session = await driver.openSession({ ttlMs: 8_000 }, soon())
    const all = many(5_000)
    for (let from = 0; from < 5_000; from += 125)
      await session.put(all.slice(from, from + 125), soon(20_000))
    await using proxy = await TcpProxy.to(endpoint)
    const watcher = connect([proxy.endpoint], { namespace })
    const began = performance.now()
    await using watch = observing(watcher)
    expect(idsIn(await watch.next())).toHaveLength(5_000)
    const attachMs = performance.now() - began
    const cost = async (work: () => Promise<unknown>): Promise<number> => {
      const before = proxy.bytes.fromServer
      await work()
      await watch.next()
      return proxy.bytes.fromServer - before
    }
    const updated = await cost(() => session.put([request('i7', { seq: 1 })], soon()))
    const added = await cost(() => session.put([request('new')], soon()))
    const removed = await cost(() => session.remove([ref('new')], soon()))
    process.stderr.write(
      `5,000: attached in ${Math.round(attachMs)} ms; update ${updated} B, add ${added} B, remove ${removed} B\n`,
    )
    for (const bytes of [updated, added, removed]) expect(bytes).toBeLessThan(1_000)
    await watcher[Symbol.asyncDispose]()
    await session.close(soon())
  })
})

describe('many at once', () => {
  test('200 services are watched and listed with a handful of barrier writes', async () => {
    await using client = await admin(endpoint)
    const session = await driver.openSession({ ttlMs: 8_000 }, soon())
    const services = Array.from({ length: 200 }, (_, index) => ({ service: `s${index}` }))
    await session.put(
      services.slice(0, 100).map(({ service }) => request('1', {}, { service })),
      soon(),
    )
    const writes = async (): Promise<bigint> => {
      const path = `/${namespace}-zxid`
      await client.create(path, new Uint8Array(), 'ephemeral', soon())
      const zxid = (await client.exists(path, soon()))?.createdZxid ?? 0n
      await client.delete(path, -1, soon())
      return zxid
    }
    const before = await writes()
    const watches = services.map((scope) => observing(driver, scope))
    const seen = await Promise.all(watches.map((watch) => watch.next()))
    const listed = await Promise.all(services.map((scope) => driver.list(scope, soon())))
    for (const found of [seen, listed])
      expect(found.map(({ records }) => records.length)).toEqual(
        services.map((_, index) => (index < 100 ? 1 : 0)),
      )
    expect(Number((await writes()) - before)).toBeLessThan(20)
    for (const watch of watches) await watch[Symbol.asyncDispose]()
    await session.close(soon())
  })
})

describe('a connection that is cut', () => {
  test('ends every observation with unavailable, and the next call opens a new one', async () => {
    await using proxy = await TcpProxy.to(endpoint)
    const watcher = connect([proxy.endpoint], { namespace })
    const watches = [orders, { all: true }, { services: true }].map((scope) =>
      observing(watcher, scope as never),
    )
    for (const watch of watches) await watch.next()
    const ended = watches.map((watch) => codeOf(watch.next()))
    proxy.reset()
    expect(await Promise.all(ended)).toEqual(['unavailable', 'unavailable', 'unavailable'])
    await watcher.probe(soon())
    await watcher[Symbol.asyncDispose]()
  })
})
