import { type Cursor, type Observation, type RegistryDriver, toCursor } from '@sd/core/driver'
import { codeOf, many, observing, orders, request, soon } from '@sd/contract-tests/world'
import { TcpProxy } from '@sd/contract-tests/servers'
import { etcd, provideServers, until } from '@sd/test-servers'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { admin, connect, follow } from './support.ts'

const servers = await provideServers(etcd)
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

const cursorOf = ({ cursor }: Observation): Cursor => cursor ?? toCursor('')
const idsIn = (observation: Observation): string[] =>
  observation.type === 'alive' ? [] : observation.records.map(({ instance }) => instance.id)

describe('observe', () => {
  test('W1, W6: an empty snapshot, changes, and the removal of the last', async () => {
    const session = await driver.openSession({ ttlMs: 10_000 }, soon())
    await using watch = observing(driver)
    expect(await watch.any()).toMatchObject({ type: 'snapshot', records: [] })
    await session.put([request('1'), request('2')], soon())
    expect(idsIn(await watch.next())).toEqual(['1', '2'])
    await session.put([request('1', { seq: 1 }, { weight: 7 })], soon())
    expect(await watch.next()).toMatchObject({
      type: 'changes',
      records: [{ key: 'orders/1', instance: { weight: 7 } }],
      removed: [],
    })
    await session.close(soon())
    const last = await watch.next()
    expect(last.type === 'changes' && last.removed.toSorted()).toEqual(['orders/1', 'orders/2'])
  })

  test('D3: a record that turns unreadable is told as skipped', async () => {
    using etcdItself = admin(endpoint)
    await etcdItself.put(`${namespace}/orders/1`).value('')
    await using watch = observing(driver)
    expect(await watch.any()).toMatchObject({ skipped: [{ key: 'orders/1' }] })
    await etcdItself.put(`${namespace}/orders/1`).value('[]')
    expect(await watch.next()).toMatchObject({ records: [], skipped: [{ key: 'orders/1' }] })
  })

  test('W3: goes on from a cursor, telling what happened meanwhile', async () => {
    const session = await driver.openSession({ ttlMs: 10_000 }, soon())
    await session.put([request('1')], soon())
    let cursor: Cursor
    {
      await using watch = observing(driver)
      cursor = cursorOf(await watch.any())
    }
    await session.put([request('2')], soon())
    await session.put([request('1', { seq: 1 })], soon())
    await using watch = observing(driver, orders, cursor)
    const seen: string[] = []
    await until('both changes', async () => {
      seen.push(...idsIn(await watch.any()))
      return seen.length === 2
    })
    expect(seen).toEqual(['2', '1'])
    await session.close(soon())
  })

  test('many scopes share one stream, and one leaving ends no other', async () => {
    const session = await driver.openSession({ ttlMs: 10_000 }, soon())
    await using proxy = await TcpProxy.to(endpoint)
    const watcher = connect([proxy.endpoint], { namespace })
    const watches = Array.from({ length: 20 }, () => observing(watcher))
    for (const watch of watches) await watch.any()
    expect(proxy.connections).toBeLessThanOrEqual(2)
    for (const watch of watches.slice(1)) await watch[Symbol.asyncDispose]()
    await session.put([request('1')], soon())
    expect(idsIn((await watches[0]?.next()) as Observation)).toEqual(['1'])
    await watcher[Symbol.asyncDispose]()
    await session.close(soon())
  })

  test('names come and go with their records', async () => {
    const session = await driver.openSession({ ttlMs: 10_000 }, soon())
    await session.put([request('1')], soon())
    await using watch = observing(driver, { services: true })
    expect(await watch.any()).toMatchObject({ type: 'snapshot', services: ['orders'] })
    await session.put([request('2'), request('1', {}, { service: 'users' })], soon())
    expect(await watch.next()).toMatchObject({ services: ['users'], removedServices: [] })
    await session.close(soon())
    const last = await watch.next()
    expect(last.type === 'changes' && last.removedServices?.toSorted()).toEqual(['orders', 'users'])
    const stale = toCursor('e:1:1')
    await expect(observing(driver, { services: true }, stale).any()).rejects.toMatchObject({
      code: 'cursor-expired',
    })
  })

  test('a snapshot of several pages has no gap to the changes behind it', async () => {
    const session = await driver.openSession({ ttlMs: 30_000 }, soon())
    for (let from = 0; from < 20; from++) await session.put(many(125, `b${from}-`), soon())
    const end = new AbortController()
    let seq = 0
    const writer = (async () => {
      while (!end.signal.aborted)
        await session.put(
          many(125, `b${seq % 20}-`).map((item) => ({
            ...item,
            claim: { ...item.claim, seq: ++seq },
          })),
          soon(),
        )
    })()
    const followers = Array.from({ length: 3 }, () => follow(driver, orders, end.signal))
    await until('all have begun', () => followers.every(({ counts }) => counts.snapshots > 0))
    await until('changes come in behind it', () =>
      followers.every(({ counts }) => counts.changes > 20),
    )
    const truth = async (): Promise<[string, number][]> =>
      (await driver.list(orders, soon())).records.map(({ key, claim }) => [key, claim?.seq ?? -1])
    const before = await truth()
    expect(before).toHaveLength(2500)
    for (const { view } of followers)
      await until('caught up', () => before.every(([key, at]) => (view.get(key) ?? -1) >= at))
    end.abort(new Error('test over'))
    await Promise.all([writer, ...followers.map(({ ended }) => ended)])
    await session.close(soon())
  })

  test('a change of several megabytes arrives whole', async () => {
    const session = await driver.openSession({ ttlMs: 30_000 }, soon())
    const large = (seq: number) =>
      many(40).map((item) => ({
        ...item,
        claim: { ...item.claim, seq },
        instance: { ...item.instance, metadata: { blob: 'x'.repeat(200_000) } },
      }))
    await session.put(large(0), soon(20_000))
    let cursor: Cursor
    {
      await using watch = observing(driver)
      const first = await watch.any()
      expect(idsIn(first)).toHaveLength(40)
      cursor = cursorOf(first)
    }
    await session.put(large(1), soon(20_000))
    await using watch = observing(driver, orders, cursor)
    const seen = new Set<string>()
    await until('all 8 MB', async () => {
      for (const id of idsIn(await watch.any())) seen.add(id)
      return seen.size === 40
    })
    await session.close(soon())
  })
})

describe('a connection that is cut', () => {
  test('W3: resuming loses nothing, wherever the cut falls', async () => {
    const session = await driver.openSession({ ttlMs: 60_000 }, soon())
    await session.put(many(50), soon())
    await using proxy = await TcpProxy.to(endpoint)
    const watcher = connect([proxy.endpoint], { namespace })
    const end = new AbortController()
    const { view, counts, ended } = follow(watcher, orders, end.signal)
    await until('the snapshot', () => counts.snapshots > 0)
    for (let seq = 1; seq <= 200; seq++) {
      if (seq % 10 === 0) {
        proxy.cutAfter(1 + ((seq * 997) % 5000), 'always')
        await new Promise((resolve) => setTimeout(resolve, 30))
      }
      const from = (seq * 7) % 40
      const some = many(50).slice(from, from + 10)
      if (seq % 4 === 0)
        await session.remove(
          some.map(({ instance: { id } }) => ({ service: 'orders', id, owner: 'a' })),
          soon(),
        )
      else
        await session.put(
          some.map((item) => ({ ...item, claim: { ...item.claim, seq } })),
          soon(),
        )
    }
    proxy.heal()
    const { records } = await driver.list(orders, soon())
    const shown = (entries: Iterable<readonly [string, number | undefined]>): string =>
      Array.from(entries, ([key, seq]) => `${key}@${seq}`)
        .toSorted()
        .join()
    const truth = shown(records.map(({ key, claim }) => [key, claim?.seq] as const))
    await until('the views agree', () => shown(view) === truth)
    expect(counts.breaks).toBeGreaterThan(5)
    // every reconnect went on from the cursor
    expect(counts.snapshots).toBe(1)
    end.abort(new Error('test over'))
    await ended
    await watcher[Symbol.asyncDispose]()
    await session.close(soon())
  })
})

describe('probe', () => {
  test('answers with and without a watch, many at a time', async () => {
    expect(await codeOf(driver.probe(soon()))).toBe('none')
    await using watch = observing(driver)
    await watch.any()
    const probes = Array.from({ length: 50 }, () => codeOf(driver.probe(soon())))
    expect(new Set(await Promise.all(probes))).toEqual(new Set(['none']))
  })
})
