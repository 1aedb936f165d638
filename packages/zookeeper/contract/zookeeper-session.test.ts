import type { DriverSession, InstanceRecord, RegistryDriver } from '@sd/core/driver'
import { idsOf, many, orders, ref, request, soon } from '@sd/contract-tests/world'
import { expireZooKeeperSession, until } from '@sd/test-servers'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { admin, ask, connect, writePersistent } from './support.ts'
import { plainOf, provideZooKeeper } from './test-tls.ts'

const servers = await provideZooKeeper()
const endpoint = servers.endpoints[0] ?? ''
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

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
  namespace = `session-${process.pid}/${namespaces++}`
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

const path = (id: string): string => `/${namespace}/orders/${id}`
const ownerOf = async (id: string): Promise<string | undefined> =>
  (await zookeeperItself.exists(path(id), soon()))?.ephemeralOwner

test('diagnose returns the version that a server reports, and the limits', async () => {
  const dead = '127.0.0.1:1'
  const some = connect([dead, ...servers.endpoints], { namespace })
  expect(await some.diagnose?.(soon())).toMatchObject({
    serverVersion: expect.stringMatching(/^3\.\d+\.\d+/) as string,
    limits: expect.arrayContaining([expect.stringContaining('maxClientCnxns')]) as string[],
  })
  await some[Symbol.asyncDispose]()
})

describe('a session', () => {
  test('R10: 1,000 instances are ephemeral nodes of one session, and are removed with it', async () => {
    const requests = many(1000)
    for (let from = 0; from < 1000; from += 125) {
      const outcomes = await session.put(requests.slice(from, from + 125), soon())
      expect(outcomes.every(({ result }) => result === 'written')).toBe(true)
    }
    await session.renew(soon())
    expect(await idsOf(rivalDriver)).toHaveLength(1000)
    const owners = await Promise.all(requests.map(({ instance: { id } }) => ownerOf(id)))
    expect(new Set(owners)).toEqual(new Set([session.id]))
    await session.close(soon())
    expect(await idsOf(rivalDriver)).toEqual([])
    await session.close(soon())
  })

  test('its granted ttl is the one to which the server clamps the request', async () => {
    for (const [ttlMs, grantedTtlMs] of [
      [200, 1_000],
      [5_500, 5_500],
      [600_000, 10_000],
    ] as const) {
      const odd = await driver.openSession({ ttlMs }, soon())
      expect(odd.grantedTtlMs).toBe(grantedTtlMs)
      await odd.close(soon())
    }
  })

  test('detects its end at a heartbeat, a write and an audit', async () => {
    for (const use of [
      (lost: DriverSession) => lost.renew(soon()),
      (lost: DriverSession) => lost.put([request('x')], soon()),
      (lost: DriverSession) => lost.audit([ref('x')], soon()),
    ]) {
      const lost = await driver.openSession({ ttlMs: 8_000 }, soon())
      await expireZooKeeperSession(plainOf(servers), lost.id)
      // the server drops a connection of an unknown session, and reports why at the next one
      await expect(use(lost)).rejects.toMatchObject({ retryable: true })
      await until('the session is lost', () => lost.lost.aborted, 2_000)
      expect(lost.lost.reason).toMatchObject({ code: 'session-lost' })
      await expect(use(lost)).rejects.toMatchObject({ code: 'session-lost' })
      await lost.close(soon())
    }
  })
})

describe('put', () => {
  test('R7: compares claims, and moves what it takes over into its own session', async () => {
    await session.put([request('1', { claimedAtMs: 5 }), request('2', { claimedAtMs: 5 })], soon())
    const outcomes = await rival.put(
      [
        request('1', { owner: 'b', claimedAtMs: 4 }),
        request('2', { owner: 'b', claimedAtMs: 6 }),
        request('3', { owner: 'b', claimedAtMs: 1 }),
      ],
      soon(),
    )
    expect(outcomes).toEqual([
      { result: 'conflict', holder: { owner: 'a', claimedAtMs: 5, seq: 0 } },
      { result: 'written', key: 'orders/2' },
      { result: 'written', key: 'orders/3' },
    ])
    expect(await ownerOf('1')).toBe(session.id)
    expect(await ownerOf('2')).toBe(rival.id)
    const absent = request('2', { owner: 'c', claimedAtMs: 99 }, { mode: 'if-absent' })
    expect(await session.put([absent], soon())).toEqual([
      { result: 'conflict', holder: { owner: 'b', claimedAtMs: 6, seq: 0 } },
    ])
  })

  test('updates in place, repeatedly: the node stays the same', async () => {
    await session.put([request('1')], soon())
    const created = await zookeeperItself.exists(path('1'), soon())
    for (let seq = 1; seq < 5; seq++)
      expect(await session.put([request('1', { seq }, { weight: seq })], soon())).toMatchObject([
        { result: 'written' },
      ])
    const { records } = await driver.list(orders, soon())
    expect(records).toMatchObject([{ instance: { weight: 4 }, claim: { seq: 4 } }])
    const updated = await zookeeperItself.exists(path('1'), soon())
    expect(updated).toMatchObject({ createdZxid: created?.createdZxid, version: 4 })
  })

  test('creates many new services in one batch', async () => {
    const requests = many(100).map((item, index) => ({
      ...item,
      instance: { ...item.instance, service: `s${index % 10}` },
    }))
    const outcomes = await Promise.all([session.put(requests, soon()), rival.put(requests, soon())])
    for (const outcome of outcomes)
      expect(outcome.every(({ result }) => result === 'written')).toBe(true)
    expect((await driver.list({ services: true }, soon())).services).toHaveLength(10)
    expect(await idsOf(driver, { all: true })).toHaveLength(100)
  })

  test('lets one of two rivals win that write the same ids at the same time', async () => {
    const requests = (owner: string, claimedAtMs: number) =>
      many(100).map((item) => ({ ...item, claim: { owner, claimedAtMs, seq: 0 } }))
    await Promise.all([
      session.put(requests('a', 1), soon()),
      rival.put(requests('b', 2), soon()),
      session.put(requests('c', 3), soon()),
    ])
    const { records } = await driver.list(orders, soon())
    expect(records).toHaveLength(100)
    expect(new Set(records.map(({ claim }) => claim?.owner))).toEqual(new Set(['c']))
  })

  test('writes 1,000 instances of a new service in few packets', async () => {
    const received = async (): Promise<number> =>
      Number(/Received: (\d+)/.exec(await ask(endpoint, 'srvr'))?.[1])
    const requests = many(1000).map((each) => ({
      ...each,
      instance: { ...each.instance, service: 'new' },
    }))
    const before = await received()
    await Promise.all(
      [0, 1, 2, 3, 4, 5, 6, 7].map(async (batch) => {
        const outcomes = await session.put(requests.slice(batch * 125, (batch + 1) * 125), soon())
        expect(outcomes.every(({ result }) => result === 'written')).toBe(true)
      }),
    )
    expect((await received()) - before).toBeLessThanOrEqual(20)
    expect(await idsOf(driver, { service: 'new' })).toHaveLength(1000)
  })

  test('D3: overwrites an unreadable record only to take it over', async () => {
    await session.put([request('0')], soon())
    await writePersistent(zookeeperItself, path('1'), bytes('{"broken'))
    const absent = request('1', {}, { mode: 'if-absent' })
    expect(await session.put([absent], soon())).toEqual([{ result: 'conflict' }])
    expect(await session.put([request('1')], soon())).toMatchObject([{ result: 'written' }])
    expect(await ownerOf('1')).toBe(session.id)
  })

  test('takes over a record without a claim, but never removes it, and lists it', async () => {
    await session.put([request('0')], soon())
    const foreign = JSON.stringify({ id: '1', name: 'orders', endpoints: ['http://h:1'] })
    await writePersistent(zookeeperItself, path('1'), bytes(foreign))
    const absent = request('1', { claimedAtMs: 99 }, { mode: 'if-absent' })
    expect(await session.put([absent], soon())).toEqual([{ result: 'conflict' }])
    expect(await session.remove([ref('1')], soon())).toEqual([{ result: 'not-ours' }])
    expect(await session.put([request('1')], soon())).toMatchObject([{ result: 'written' }])
  })

  test('refuses an id whose node is above another namespace, and affects no other instance', async () => {
    const below = connect(servers.endpoints, { namespace: `${namespace}/orders` })
    const belowSession = await below.openSession({ ttlMs: 8_000 }, soon())
    await belowSession.put([request('x', {}, { service: 'eu' })], soon())
    const outcomes = await session.put([request('a'), request('eu'), request('b')], soon())
    expect(outcomes.map(({ result }) => result)).toEqual(['written', 'error', 'written'])
    expect(outcomes[1]).toMatchObject({ error: { code: 'invalid-argument' } })
    expect(await idsOf(driver)).toEqual(['a', 'b'])
    expect(await idsOf(below, { service: 'eu' })).toEqual(['x'])
    expect((await driver.list(orders, soon())).skipped).toEqual([])
    await belowSession.close(soon())
    await below[Symbol.asyncDispose]()
  })

  test('refuses a service whose node is a record of a namespace above', async () => {
    await session.put([request('eu')], soon())
    const below = connect(servers.endpoints, { namespace: `${namespace}/orders` })
    const belowSession = await below.openSession({ ttlMs: 8_000 }, soon())
    const put = belowSession.put([request('x', {}, { service: 'eu' })], soon())
    await expect(put).rejects.toMatchObject({ code: 'invalid-argument', retryable: false })
    expect(await idsOf(driver)).toEqual(['eu'])
    await belowSession.close(soon())
    await below[Symbol.asyncDispose]()
  })

  test('splits a batch that is too large for one packet', async () => {
    const large = many(20).map((item) => ({
      ...item,
      instance: { ...item.instance, metadata: { blob: 'x'.repeat(200_000) } },
    }))
    const outcomes = await session.put(large, soon(20_000))
    expect(outcomes.every(({ result }) => result === 'written')).toBe(true)
    expect(await idsOf(driver)).toHaveLength(20)
  })
})

describe('audit', () => {
  test('audits records as ours, missing, replaced and edited', async () => {
    const ids = ['ours', 'missing', 'replaced', 'edited', 'untied', 'broken']
    await session.put(
      ids.map((id) => request(id)),
      soon(),
    )
    await zookeeperItself.delete(path('missing'), -1, soon())
    await rival.put([request('replaced', { owner: 'b', claimedAtMs: 2 })], soon())
    const { data } = await zookeeperItself.get(path('edited'), soon())
    const edited = bytes(Buffer.from(data).toString().replace('"seq":0', '"seq":1'))
    await zookeeperItself.set(path('edited'), edited, -1, soon())
    const untied = await zookeeperItself.get(path('untied'), soon())
    await writePersistent(zookeeperItself, path('untied'), untied.data)
    await zookeeperItself.set(path('broken'), bytes('?'), -1, soon())
    const audits = await session.audit(
      ids.map((id) => ref(id)),
      soon(),
    )
    expect(audits.map(({ state }) => state)).toEqual([
      'ours',
      'missing',
      'replaced',
      'edited',
      'replaced',
      'edited',
    ])
    expect(audits[2]?.record?.claim?.owner).toBe('b')
    expect(audits[3]?.record?.claim?.seq).toBe(1)
    expect(session.lost.aborted).toBe(false)
  })

  test.each([
    ['in place', (data: Uint8Array) => zookeeperItself.set(path('1'), data, -1, soon())],
    ['by another node', (data: Uint8Array) => writePersistent(zookeeperItself, path('1'), data)],
  ] as const)(
    'R5: a record that was overwritten %s with the data of a node above records is written again',
    async (_, overwrite) => {
      await session.put([request('1')], soon())
      await overwrite(bytes('{"sd":"parent"}'))
      const [audit] = await session.audit([ref('1')], soon())
      expect(audit?.state).not.toBe('ours')
      const put = session.put([request('1', { seq: 1 })], soon())
      expect(await put).toMatchObject([{ result: 'written' }])
      expect(await session.audit([ref('1')], soon())).toMatchObject([{ state: 'ours' }])
      expect(await idsOf(driver)).toEqual(['1'])
    },
  )

  test('recognizes a write whose answer was lost', async () => {
    await session.put([request('0')], soon())
    const aborted = new AbortController()
    const put = session.put([request('1')], aborted.signal)
    setTimeout(() => aborted.abort(new Error('lost')), 1)
    await put.catch(() => {})
    const found = await idsOf(driver)
    const [audit] = await session.audit([ref('1')], soon())
    expect(audit?.state).toBe(found.includes('1') ? 'ours' : 'missing')
    expect(await session.put([request('1', { seq: 1 })], soon())).toMatchObject([
      { result: 'written' },
    ])
  })
})

describe('edit', () => {
  const edit = async (record: InstanceRecord | undefined, weight: number) =>
    record && driver.edit?.(record, { ...record.instance, weight }, soon())
  const only = async () => (await driver.list(orders, soon())).records[0]

  test('leaves the record in its owner’s session, one seq higher', async () => {
    await rival.put([request('1')], soon())
    expect(await edit(await only(), 7)).toBe('edited')
    expect(await only()).toMatchObject({
      instance: { weight: 7 },
      claim: { owner: 'a', claimedAtMs: 1, seq: 1 },
    })
    expect(await ownerOf('1')).toBe(rival.id)
  })

  test('changes nothing where the record differs from the one that was read, or is missing', async () => {
    await rival.put([request('1')], soon())
    const record = await only()
    await session.put([request('1', { owner: 'b', claimedAtMs: 2 })], soon())
    expect(await edit(record, 7)).toBe('changed')
    expect(await only()).toMatchObject({ instance: { weight: 100 }, claim: { owner: 'b' } })
    await session.remove([ref('1', 'b')], soon())
    expect(await edit(record, 7)).toBe('absent')
    expect(await only()).toBeUndefined()
  })

  test('R7: one of two concurrent edits must read again, and none overwrites a takeover', async () => {
    for (let at = 1; at <= 100; at++) {
      await rival.put([request('1', { claimedAtMs: 2 * at })], soon())
      const record = await only()
      const [first, second] = await Promise.all([
        edit(record, 7),
        edit(record, 8),
        session.put([request('1', { owner: 'b', claimedAtMs: 2 * at + 1 })], soon()),
      ])
      expect([first, second].filter((outcome) => outcome === 'edited').length).toBeLessThan(2)
      expect(await only()).toMatchObject({
        instance: { weight: 100 },
        claim: { owner: 'b', seq: 0 },
      })
      await session.remove([ref('1', 'b')], soon())
    }
  })
})

describe('list', () => {
  test('D1, D2: an unknown service is empty, and services are isolated', async () => {
    expect(await driver.list({ service: 'nobody' }, soon())).toMatchObject({ records: [] })
    const services = ['user', 'user-admin', 'user/admin', '..', '%epoch', 'ü']
    await session.put(
      services.map((service) => request('1', {}, { service })),
      soon(),
    )
    for (const service of services) expect(await idsOf(driver, { service })).toEqual(['1'])
    const { services: found } = await driver.list({ services: true }, soon())
    expect(found?.toSorted()).toEqual(services.toSorted())
    expect(await idsOf(driver, { all: true })).toHaveLength(services.length)
  })

  test('an empty service has no name, and its node stays', async () => {
    await session.put([request('1')], soon())
    await session.remove([ref('1')], soon())
    expect((await driver.list({ services: true }, soon())).services).toEqual([])
    expect(await zookeeperItself.exists(`/${namespace}/orders`, soon())).toBeDefined()
  })

  test('D3: skips unreadable records, in a service and next to the services', async () => {
    await session.put([request('1')], soon())
    await writePersistent(zookeeperItself, path('2'), Uint8Array.from([0, 255]))
    await writePersistent(zookeeperItself, `/${namespace}/not%a%name`, bytes(''))
    await writePersistent(zookeeperItself, `/${namespace}/not%a%name/x`, bytes('x'))
    const { records, skipped } = await driver.list({ all: true }, soon())
    expect(records).toHaveLength(1)
    expect(skipped.map(({ key }) => key).toSorted()).toEqual(['not%a%name/x', 'orders/2'])
    expect((await driver.list({ services: true }, soon())).services).toEqual(['orders'])
  })
})
