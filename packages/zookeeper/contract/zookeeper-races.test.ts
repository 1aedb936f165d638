import {
  type ConditionalStore,
  createDriverContext,
  type DriverSession,
  jsonFormat,
  putOwned,
  type RegistryDriver,
  removeOwned,
  SentRecords,
  type WritingSession,
} from '@sd/core/driver'
import { idsOf, orders, ref, request, soon } from '@sd/contract-tests/world'
import { until } from '@sd/test-servers'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { FirstCreations } from '../src/session/first-creations.ts'
import { Keys } from '../src/keys.ts'
import { conditionalStore, Mutex } from '../src/session/conditional-store.ts'
import type { NodeRevision } from '../src/session/existing-nodes.ts'
import { ParentVersions } from '../src/session/parent-versions.ts'
import { ZooKeeperSession } from '../src/zookeeper-session.ts'
import { admin, connect } from './support.ts'
import { provideZooKeeper } from './test-tls.ts'

const servers = await provideZooKeeper()
const endpoint = servers.endpoints[0] ?? ''

let zookeeperItself: Awaited<ReturnType<typeof admin>>
let namespaces = 0
let namespace: string
let driver: RegistryDriver
let rivalDriver: RegistryDriver
let session: DriverSession
let rival: DriverSession

beforeAll(async () => {
  zookeeperItself = await admin(endpoint)
})
afterAll(async () => {
  await zookeeperItself?.[Symbol.asyncDispose]()
  await servers[Symbol.asyncDispose]()
})
beforeEach(async () => {
  namespace = `races-${process.pid}/${namespaces++}`
  driver = connect(servers.endpoints, { namespace })
  rivalDriver = connect(servers.endpoints, { namespace })
  session = await driver.openSession({ ttlMs: 8_000 }, soon())
  rival = await rivalDriver.openSession({ ttlMs: 8_000 }, soon())
})
afterEach(async () => {
  await session.close(soon())
  await rival.close(soon())
  await driver[Symbol.asyncDispose]()
  await rivalDriver[Symbol.asyncDispose]()
})

type Self = WritingSession<NodeRevision>
type Store = ConditionalStore<NodeRevision>

const path = (id: string): string => `/${namespace}/orders/${id}`
const ownerOf = async (id: string): Promise<string | undefined> =>
  (await zookeeperItself.exists(path(id), soon()))?.ephemeralOwner

describe('R7: two sessions race', () => {
  const rounds = 700

  test('takeover, update and removal: the higher claim is never overwritten, in hundreds of races', async () => {
    const id = (round: number): string => `r${round}`
    const each = async (work: (round: number) => Promise<void>): Promise<void> => {
      const waiting = Array.from({ length: rounds }, (_, round) => round).values()
      const worker = async (): Promise<void> => {
        for (const round of waiting) await work(round)
      }
      await Promise.all(Array.from({ length: 10 }, worker))
    }
    const tally = { removed: 0, 'not-ours': 0, conflict: 0, written: 0, error: 0, absent: 0 }
    await each(async (round) => {
      await session.put([request(id(round))], soon())
      const loser =
        round % 2 === 0
          ? session.remove([ref(id(round))], soon())
          : session.put([request(id(round), { seq: 1 })], soon())
      const winner = request(id(round), { owner: 'b', claimedAtMs: 2 })
      let taking = rival.put([winner], soon())
      const [[lost], [won]] = await Promise.all([loser, taking])
      tally[lost?.result ?? 'error']++
      // a put that was overtaken repeatedly reports it, and core retries it
      for (let left = 5; left > 0 && (await taking)[0]?.result === 'error'; left--)
        taking = rival.put([winner], soon())
      expect((await taking)[0]?.result).toBe('written')
      expect(won?.result).toMatch(/^(?:written|error)$/)
      // later, when the other owns it: an update and a removal by the loser
      expect((await session.put([request(id(round), { seq: 2 })], soon()))[0]?.result).toBe(
        'conflict',
      )
      expect((await session.remove([ref(id(round))], soon()))[0]?.result).toBe('not-ours')
    })
    const { records } = await driver.list(orders, soon())
    expect(records).toHaveLength(rounds)
    expect(new Set(records.map(({ claim }) => claim?.owner))).toEqual(new Set(['b']))
    const owners = await Promise.all(
      Array.from({ length: rounds }, (_, round) => ownerOf(id(round))),
    )
    expect(new Set(owners)).toEqual(new Set([rival.id]))
    // both orders have occurred
    expect(tally.removed).toBeGreaterThan(0)
    expect(tally['not-ours'] + tally.conflict).toBeGreaterThan(0)
  })

  const update = (self: Self, store: Store) => putOwned(self, [request('1', { seq: 1 })], store)
  const removal = (self: Self, store: Store) => removeOwned(self, [ref('1')], store)
  const takeover = async (self: Self, store: Store) => {
    await session.put([request('1', { seq: 1 })], soon())
    return putOwned(self, [request('1', { seq: 2 })], store)
  }

  test.each([
    ['an update', update, 'read', false],
    ['a removal', removal, 'read', false],
    ['a takeover of an earlier session', takeover, 'read', false],
    ['an update', update, 'written', true],
    ['a removal', removal, 'written', true],
  ] as const)(
    '%s never writes a node that was deleted and created again after it was %4$s',
    async (_, lose, __, isKnown) => {
      await using client = await admin(endpoint)
      const id = client.sessionId
      const ownSessions = new Set([id])
      const self: Self = {
        backend: 'zookeeper',
        id,
        format: jsonFormat,
        ownSessions,
        sent: new SentRecords(),
      }
      const keys = new Keys(namespace, jsonFormat)
      const nodes = {
        client,
        keys,
        parentVersions: new ParentVersions(),
        mutex: new Mutex(),
        firstCreations: new FirstCreations(),
        tiedTo: (owner: string) => owner,
      }
      await putOwned(self, [request('1')], conditionalStore(nodes, 'put', true, soon()))
      const multi = client.multi.bind(client)
      let raced = false
      client.multi = async (operations, signal) => {
        if (!raced && operations.some(({ type }) => type === 'delete' || type === 'set')) {
          raced = true
          const before = await zookeeperItself.exists(path('1'), soon())
          await zookeeperItself.delete(path('1'), -1, soon())
          await rival.put([request('1', { owner: 'b', claimedAtMs: 9 })], soon())
          const after = await zookeeperItself.exists(path('1'), soon())
          // a record's own version cannot detect this
          raced = before?.version === 0 && after?.version === 0
        }
        return multi(operations, signal)
      }
      const store = conditionalStore(nodes, 'put', isKnown, soon())
      expect((await lose(self, store))[0]?.result).toMatch(/^(?:conflict|not-ours)$/)
      expect(raced).toBe(true)
      expect(await ownerOf('1')).toBe(rival.id)
    },
  )

  test('forty sessions that take over the same ids at once converge', async () => {
    const drivers = Array.from({ length: 40 }, () => connect(servers.endpoints, { namespace }))
    const sessions = await Promise.all(
      drivers.map((each) => each.openSession({ ttlMs: 8_000 }, soon(20_000))),
    )
    const put = async (id: number, index: number, at: number): Promise<number> => {
      for (let tries = 1; ; tries++) {
        const [outcome] = (await sessions[index]?.put(
          [request(`p${id}`, { owner: `o${index}`, claimedAtMs: at })],
          soon(),
        )) ?? [undefined]
        if (outcome?.result === 'written') return tries
        if (tries === 20) throw new Error('the sessions did not converge')
      }
    }
    const first = await Promise.all(sessions.map((_, index) => put(index, index, 1)))
    expect(Math.max(...first)).toBe(1)
    // a fast restart of all: each takes the id over from a session that is still alive
    const tries = await Promise.all(sessions.map((_, id) => put(id, (id + 1) % 40, 2)))
    expect(Math.max(...tries)).toBeLessThan(20)
    process.stderr.write(
      `forty takeovers at once: ${tries.toSorted((a, b) => a - b).join()} tries\n`,
    )
    expect(await idsOf(driver)).toHaveLength(40)
    for (const each of sessions) await each.close(soon())
    for (const each of drivers) await each[Symbol.asyncDispose]()
  })
})

describe('the requests of a session', () => {
  test('an update and a removal are one, and more only after others have registered in the service', async () => {
    await using client = await admin(endpoint)
    const calls: string[] = []
    const counted = new Proxy(client, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name)
        if (typeof value !== 'function') return value
        return (...args: readonly unknown[]): unknown => {
          if (name !== 'onState') calls.push(String(name))
          return Reflect.apply(value, target, args)
        }
      },
    })
    const { clock } = createDriverContext()
    const keys = new Keys(namespace, jsonFormat)
    const context = { keys, clock, reader: undefined as never, lastSeen: () => undefined }
    const own = new ZooKeeperSession(counted, () => Promise.reject(new Error('one is enough')), {
      ...context,
      sessions: new Map(),
    })
    let seq = 0
    const requestsOf = async (work: () => Promise<unknown>): Promise<readonly string[]> => {
      calls.length = 0
      await work()
      return calls.splice(0)
    }
    const put = async (): Promise<void> => {
      expect(await own.put([request('1', { seq: seq++ })], soon())).toMatchObject([
        { result: 'written' },
      ])
    }
    const remove = async (): Promise<void> => {
      expect(await own.remove([ref('1')], soon())).toEqual([{ result: 'removed' }])
    }
    const audit = async (): Promise<void> => {
      expect(await own.audit([ref('1')], soon())).toMatchObject([{ state: 'ours' }])
    }
    let others = 0
    const another = (): Promise<unknown> => rival.put([request(`other-${others++}`)], soon())

    await put()
    expect(await requestsOf(put)).toEqual(['multi'])
    expect(await requestsOf(remove)).toEqual(['multi'])
    expect(await requestsOf(put)).toEqual(['multi'])
    await another()
    expect(await requestsOf(put)).toEqual(['multi', 'multiRead', 'multi'])
    expect(await requestsOf(put)).toEqual(['multi'])
    await another()
    expect(await requestsOf(audit)).toEqual(['multiRead'])
    expect(await requestsOf(remove)).toEqual(['multi'])
    expect(await requestsOf(put)).toEqual(['multi'])
    // another server may know less
    client.reconnect()
    await until('the session has another connection', () => client.state === 'connected', 10_000)
    expect(await requestsOf(remove)).toEqual(['multi', 'multiRead', 'multi'])
    expect(await requestsOf(put)).toEqual(['multi'])
    await rival.put([request('1', { owner: 'b', claimedAtMs: 9 })], soon())
    const refused = async (): Promise<void> => {
      expect(await own.remove([ref('1')], soon())).toEqual([{ result: 'not-ours' }])
    }
    expect(await requestsOf(refused)).toEqual(['multi', 'multiRead'])
    expect(await ownerOf('1')).toBe(rival.id)
  })
})
