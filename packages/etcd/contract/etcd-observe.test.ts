import type { Observation, RegistryDriver } from '@sd/core/driver'
import { codeOf, many, observing, orders, request, soon } from '@sd/contract-tests/world'
import { TcpProxy } from '@sd/contract-tests/servers'
import { etcd, provideServers, until } from '@sd/test-servers'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { connect, follow } from './support.ts'

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

const idsIn = (observation: Observation): string[] =>
  observation.type === 'alive' ? [] : observation.records.map(({ instance }) => instance.id)

describe('observe', () => {
  test('many scopes share one stream, and the end of one affects no other', async () => {
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

  test('no change is lost between a snapshot of several pages and the watch', async () => {
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
    await until('later changes arrive', () => followers.every(({ counts }) => counts.changes > 20))
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

  test('a change of several megabytes arrives completely', async () => {
    const session = await driver.openSession({ ttlMs: 30_000 }, soon())
    const large = (seq: number) =>
      many(40).map((item) => ({
        ...item,
        claim: { ...item.claim, seq },
        instance: { ...item.instance, metadata: { blob: 'x'.repeat(200_000) } },
      }))
    await session.put(large(0), soon(20_000))
    await using watch = observing(driver)
    expect(idsIn(await watch.any())).toHaveLength(40)
    await session.put(large(1), soon(20_000))
    const seen = new Set<string>()
    await until('all 8 MB', async () => {
      for (const id of idsIn(await watch.any())) seen.add(id)
      return seen.size === 40
    })
    await session.close(soon())
  })
})

describe('probe', () => {
  test('probes are answered with and without a watch, also many at a time', async () => {
    expect(await codeOf(driver.probe(soon()))).toBe('none')
    await using watch = observing(driver)
    await watch.any()
    const probes = Array.from({ length: 50 }, () => codeOf(driver.probe(soon())))
    expect(new Set(await Promise.all(probes))).toEqual(new Set(['none']))
  })
})
