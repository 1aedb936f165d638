import type { Registration } from '@sd/core'
import type { DriverSession, RegistryDriver } from '@sd/core/driver'
import { eventually, forkOwner } from '@sd/contract-tests'
import { codeOf, ids, idsOf, instance, request, soon } from '@sd/contract-tests/world'
import { expireZooKeeperSession, provisionFor, type TestServer, zookeeper } from '@sd/test-servers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { maxPathBytes, pathBytesOf } from '../src/session/session-part.ts'
import { capMs, graceMs, RegistryWorld, slackMs, ttlMs } from './registry-world.ts'
import { admin, ask, clientOf, connect, longIds, withSettings } from './support.ts'
import { clientTls, launchZooKeeper, plainOf } from './test-tls.ts'

const controllable = (await provisionFor('zookeeper')).how !== 'endpoint'

const inBatches = async (
  session: DriverSession,
  requests: readonly ReturnType<typeof request>[],
): Promise<void> => {
  for (let from = 0; from < requests.length; from += 125)
    // members that are busy with thousands of nodes may elect another leader, and hang up: core tries again as well
    await eventually('a batch is written', 20_000, async () => {
      const outcomes = await session.put(requests.slice(from, from + 125), soon(20_000))
      return outcomes.every(({ result }) => result === 'written')
    })
}

describe.runIf(controllable)('more paths than the end of one ZooKeeper session can list', () => {
  let cluster: Awaited<ReturnType<typeof launchZooKeeper>>
  let hosts: string[]
  let host: string

  /** The paths of each session that has nodes, as the server lists them. */
  const sessions = async (): Promise<ReadonlyMap<string, readonly string[]>> => {
    const [, holding = ''] = (await ask(host, 'dump')).split('Sessions with Ephemerals')
    const blocks = holding.split(/^(0x[0-9a-f]+):$/gm).slice(1)
    return new Map(
      blocks.flatMap((block, index) =>
        index % 2 === 0
          ? [
              [
                block,
                Array.from(
                  (blocks[index + 1] ?? '').matchAll(/^\t(\/.*)$/gm),
                  ([, path = '']) => path,
                ),
              ] as const,
            ]
          : [],
      ),
    )
  }

  const expectWithinLimit = async (): Promise<void> => {
    for (const paths of (await sessions()).values())
      expect(paths.reduce((sum, path) => sum + pathBytesOf(path), 0)).toBeLessThanOrEqual(
        maxPathBytes,
      )
  }

  const expectRestarts = async (): Promise<void> => {
    await cluster.stop('kill')
    await cluster.start()
    const driver = connect(hosts, { namespace: 'after' })
    const session = await driver.openSession({ ttlMs }, soon())
    await session.put([request('1')], soon())
    await session.close(soon())
    await driver[Symbol.asyncDispose]()
  }

  const use = async (server: TestServer, members?: readonly string[]): Promise<void> => {
    cluster = await launchZooKeeper(server, members && { members })
    hosts = cluster.servers.map(clientOf)
    host = hosts[0] ?? ''
  }
  afterEach(() => cluster?.[Symbol.asyncDispose]())

  describe('3,300 instances with long ids', () => {
    let driver: RegistryDriver
    let session: DriverSession

    beforeEach(async () => {
      await use(zookeeper)
      driver = connect(hosts, { namespace: 'long' })
      session = await driver.openSession({ ttlMs }, soon())
      await inBatches(
        session,
        longIds(3_300).map((id) => request(id)),
      )
      await expectWithinLimit()
    })

    test('R11: the server starts again after they were closed', async () => {
      await session.close(soon())
      expect(await idsOf(driver)).toEqual([])
      await driver[Symbol.asyncDispose]()
      await expectRestarts()
    })

    test('R3: the server starts again after their process has crashed', async () => {
      await driver[Symbol.asyncDispose]()
      await eventually(
        'the sessions have ended',
        ttlMs + graceMs + slackMs,
        async () => (await sessions()).size === 0,
      )
      await expectRestarts()
    })
  })

  test(
    'R3, R10: 30,000 instances of a killed process and 30,000 that are closed leave, and the ensemble starts again',
    { timeout: 180_000 },
    async () => {
      await use(zookeeper, ['n1', 'n2', 'n3'])
      const prefix = '0123456789abcdef0123456789-'
      const longTtlMs = 10_000
      const owner = await forkOwner({
        module: new URL('../src/index.ts', import.meta.url).href,
        factory: 'zookeeper',
        config: { ...clientTls, hosts, namespace: 'killed' },
        instance: instance(prefix),
        count: 30_000,
        ttlMs: longTtlMs,
      })
      const ofKilled = await eventually('this member lists all', longTtlMs, async () => {
        const found = await sessions()
        return [...found.values()].flat().length === 30_000 ? found.size : undefined
      })
      expect(ofKilled).toBeLessThanOrEqual(5)
      await expectWithinLimit()
      await owner.kill() // its sessions expire while the others are written
      const driver = connect(hosts, { namespace: 'many' })
      const session = await driver.openSession({ ttlMs: longTtlMs }, soon())
      const requests = ids(prefix, 30_000).map((id) => request(id))
      const began = performance.now()
      await inBatches(session, requests)
      process.stderr.write(`30,000 written in ${Math.round(performance.now() - began)} ms\n`)
      await expectWithinLimit()
      expect((await sessions()).size).toBeLessThanOrEqual(ofKilled + 5)
      await session.close(soon(60_000))
      // this member may apply the end of the sessions later than the one that confirmed it
      await eventually(
        'no session is left',
        longTtlMs + graceMs + slackMs,
        async () => (await sessions()).size === 0,
      )
      for (const namespace of ['killed', 'many']) {
        await using watching = connect(hosts, { namespace })
        expect(await idsOf(watching)).toEqual([])
      }
      await driver[Symbol.asyncDispose]()
      await expectRestarts()
    },
  )

  test.each([
    ['first', (id: string, first: string) => id === first],
    ['further', (id: string, first: string) => id !== first],
  ] as const)(
    'R5: only the instances of a %s ZooKeeper session that expires are written again',
    async (_, isTheOne) => {
      await use(zookeeper)
      await using world = new RegistryWorld()
      const all = longIds(1_600)
      // a busy machine takes longer than the ttl of the other tests to write them
      const longTtlMs = 6_000
      const registry = world.registry(hosts, { ttlMs: longTtlMs })
      const registrations: readonly Registration[] = await Promise.all(
        all.map((id) => registry.register(instance(id))),
      )
      const before = await sessions()
      expect(before.size).toBe(3)
      const { id = '' } = registry.health().session
      const [expired = '', lost] = [...before].find(([each]) => isTheOne(each, id)) ?? []
      await using zookeeperItself = await admin(host)
      const created = async (): Promise<ReadonlyMap<string, bigint | undefined>> =>
        new Map(
          await Promise.all(
            [...before.values()]
              .flat()
              .map(
                async (path) =>
                  [path, (await zookeeperItself.exists(path, soon()))?.createdZxid] as const,
              ),
          ),
        )
      const old = await created()
      await expireZooKeeperSession(plainOf(cluster), expired)
      // it is noticed at the heartbeat after the next one; a loaded machine needs seconds to write hundreds
      const manyMs = 10_000
      await eventually('all are back', longTtlMs + capMs + manyMs + slackMs, async () => {
        const now = await sessions()
        return !now.has(expired) && [...now.values()].flat().length === all.length
      })
      const now = await created()
      expect(
        [...old]
          .filter(([path, zxid]) => now.get(path) !== zxid)
          .map(([path]) => path)
          .toSorted(),
      ).toEqual(lost?.toSorted())
      await expectWithinLimit()
      const isRegistered = ({ status }: Registration): boolean => status.state === 'registered'
      await eventually('all are registered', slackMs, () => registrations.every(isRegistered))
      expect(registry.health().session.id).toBe(id)
      await registry.close()
      expect(await sessions()).toEqual(new Map())
    },
  )

  test('R10: what cannot be spread as the server refuses connections is named, and affects no other', async () => {
    await use(withSettings({ lines: ['maxClientCnxns=1'] }))
    const driver = connect(hosts, { namespace: 'refused' })
    const session = await driver.openSession({ ttlMs: 10_000 }, soon())
    const results: string[] = []
    const refusals = new Set<string>()
    for (const batch of [0, 125, 250, 375, 500, 625, 750]) {
      const requests = longIds(875)
        .slice(batch, batch + 125)
        .map((id) => request(id))
      for (const outcome of await session.put(requests, soon())) {
        results.push(outcome.result)
        if (outcome.result === 'error')
          refusals.add(`${outcome.error.code}: ${outcome.error.message}`)
      }
    }
    const written = results.lastIndexOf('written') + 1
    expect(written).toBeGreaterThan(600)
    expect(written).toBeLessThan(800)
    expect(results.slice(0, written).every((result) => result === 'written')).toBe(true)
    expect([...refusals].join()).toMatch(/^unavailable: .*fill 1 ZooKeeper session.*maxClientCnxns/)
    await session.renew(soon())
    const [again] = longIds(1)
    expect(await session.put([request(again ?? '', { seq: 1 })], soon())).toMatchObject([
      { result: 'written' },
    ])
    expect(await codeOf(session.close(soon()))).toBe('none')
    await driver[Symbol.asyncDispose]()
  })
})
