import type { DriverSession, RegistryDriver } from '@sd/core/driver'
import { idsOf, many, orders, ref, request, soon } from '@sd/contract-tests/world'
import { etcd, provideServers } from '@sd/test-servers'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { admin, connect } from './support.ts'

const servers = await provideServers(etcd)
const endpoint = servers.endpoints[0] ?? ''
const etcdItself = admin(endpoint)

let namespaces = 0
let namespace: string
let driver: RegistryDriver
let rivalDriver: RegistryDriver
let session: DriverSession
let rival: DriverSession

beforeAll(() => etcdItself.get('reachable').exec())
afterAll(async () => {
  etcdItself.close()
  await servers[Symbol.asyncDispose]()
})
beforeEach(async () => {
  namespace = `session-${process.pid}-${namespaces++}`
  driver = connect(servers.endpoints, { namespace })
  rivalDriver = connect(servers.endpoints, { namespace })
  session = await driver.openSession({ ttlMs: 10_000 }, soon())
  rival = await rivalDriver.openSession({ ttlMs: 10_000 }, soon())
})
afterEach(async () => {
  await session.close(soon())
  await rival.close(soon())
  await driver[Symbol.asyncDispose]()
  await rivalDriver[Symbol.asyncDispose]()
})

describe('a session', () => {
  test('R10: 1,000 instances share one lease, and are removed with it', async () => {
    const requests = many(1000)
    for (let from = 0; from < 1000; from += 125) {
      const outcomes = await session.put(requests.slice(from, from + 125), soon())
      expect(outcomes.every(({ result }) => result === 'written')).toBe(true)
    }
    await session.renew(soon())
    expect(await idsOf(rivalDriver)).toHaveLength(1000)
    const { leases } = await etcdItself.leaseClient.leaseLeases()
    expect(leases.filter(({ ID }) => ID === session.id)).toHaveLength(1)
    await session.close(soon())
    expect(await idsOf(rivalDriver)).toEqual([])
    await session.close(soon())
  })

  test('its granted ttl is in milliseconds, and at least the requested one', async () => {
    const odd = await driver.openSession({ ttlMs: 5500 }, soon())
    expect(odd.grantedTtlMs).toBe(6000)
    await odd.close(soon())
  })

  test('detects a lost lease at a heartbeat, a write and an audit', async () => {
    for (const use of [
      (lost: DriverSession) => lost.renew(soon()),
      (lost: DriverSession) => lost.put([request('x')], soon()),
      (lost: DriverSession) => lost.audit([ref('x')], soon()),
    ]) {
      const lost = await driver.openSession({ ttlMs: 10_000 }, soon())
      await etcdItself.leaseClient.leaseRevoke({ ID: lost.id })
      await expect(use(lost)).rejects.toMatchObject({ code: 'session-lost', retryable: true })
      expect(lost.lost.aborted).toBe(true)
      await lost.close(soon())
    }
  })
})

describe('an audit of what is missing', () => {
  test('finds the last of its owners between many other writes, for many instances at once', async () => {
    const requests = many(40)
    await session.put(requests, soon())
    const winners = requests.map((wanted) => ({
      ...wanted,
      claim: { owner: 'rival', claimedAtMs: wanted.claim.claimedAtMs + 1, seq: 0 },
    }))
    const others = etcdItself.namespace('elsewhere/')
    const noise = async (): Promise<void> => {
      for (let round = 0; round < 40; round += 1) await others.put('key').value(String(round))
    }
    await noise()
    await rival.put(winners.slice(0, 20), soon())
    await noise()
    await rival.remove(
      winners.slice(0, 20).map(({ instance, claim }) => ({ ...instance, owner: claim.owner })),
      soon(),
    )
    const deleted = requests.slice(20, 30).map(({ instance }) => instance)
    for (const { service, id } of deleted)
      await etcdItself.delete().key(`${namespace}/${service}/${id}`).exec()
    await noise()
    const refs = requests.map(({ instance, claim }) => ({ ...instance, owner: claim.owner }))
    const states = (await session.audit(refs, soon())).map(({ state }) => state)
    expect(states).toEqual([
      ...Array<string>(20).fill('replaced'),
      ...Array<string>(10).fill('missing'),
      ...Array<string>(10).fill('ours'),
    ])
    const { header } = await etcdItself.kv.range({ key: Buffer.from('x') })
    await etcdItself.kv.compact({ revision: header.revision, physical: false })
    const compacted = (await session.audit(refs, soon())).map(({ state }) => state)
    expect(compacted.slice(0, 30)).toEqual(Array<string>(30).fill('missing'))
  })
})

describe('put', () => {
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

  test('D3: overwrites an unreadable record only to take it over', async () => {
    await etcdItself.put(`${namespace}/orders/1`).value('{"broken')
    const absent = request('1', {}, { mode: 'if-absent' })
    expect(await session.put([absent], soon())).toEqual([{ result: 'conflict' }])
    expect(await session.put([request('1')], soon())).toMatchObject([{ result: 'written' }])
  })

  test('takes over a record without a claim, but never removes it, and lists it', async () => {
    const foreign = JSON.stringify({ id: '1', name: 'orders', endpoints: ['http://h:1'] })
    await etcdItself.put(`${namespace}/orders/1`).value(foreign)
    const absent = request('1', { claimedAtMs: 99 }, { mode: 'if-absent' })
    expect(await session.put([absent], soon())).toEqual([{ result: 'conflict' }])
    expect(await session.remove([ref('1')], soon())).toEqual([{ result: 'not-ours' }])
    expect(await session.put([request('1')], soon())).toMatchObject([{ result: 'written' }])
  })

  test('splits a batch that is too large for one request', async () => {
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
    await etcdItself.delete().key(`${namespace}/orders/missing`)
    await rival.put([request('replaced', { owner: 'b', claimedAtMs: 2 })], soon())
    const edit = async (id: string, lease: string): Promise<void> => {
      const key = `${namespace}/orders/${id}`
      const text = (await etcdItself.get(key).string()) ?? ''
      await etcdItself.put(key).value(text.replace('"seq":0', '"seq":1')).lease(lease)
    }
    await edit('edited', session.id)
    await edit('untied', '0')
    await etcdItself.put(`${namespace}/orders/broken`).value('?').lease(session.id)
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
})

describe('list', () => {
  test('D1, D2: an unknown service is empty, and services are isolated', async () => {
    expect(await driver.list({ service: 'nobody' }, soon())).toMatchObject({ records: [] })
    const services = ['user', 'user-admin', 'user/admin', '..', '%2F', 'ü']
    await session.put(
      services.map((service) => request('1', {}, { service })),
      soon(),
    )
    for (const service of services) expect(await idsOf(driver, { service })).toEqual(['1'])
    const { services: found } = await driver.list({ services: true }, soon())
    expect(found?.toSorted()).toEqual(services.toSorted())
    expect(await idsOf(driver, { all: true })).toHaveLength(services.length)
  })

  test('reads several pages at one revision, while others write', async () => {
    for (let from = 0; from < 24; from++) await session.put(many(125, `b${from}-`), soon())
    const end = new AbortController()
    const writer = (async () => {
      for (let seq = 1; !end.signal.aborted; seq++)
        await session.put([request('b0-0', { seq }), request('b9-99', { seq })], soon())
    })()
    for (let round = 0; round < 5; round++) {
      const { records } = await driver.list(orders, soon(20_000))
      expect(records).toHaveLength(3000)
      // written in one transaction, read on different pages
      const seq = (id: string) => records.find(({ instance }) => instance.id === id)?.claim?.seq
      expect(seq('b0-0')).toBe(seq('b9-99'))
    }
    end.abort()
    await writer
    expect((await driver.list({ services: true }, soon())).services).toEqual(['orders'])
  })

  test('D3: skips unreadable records', async () => {
    await session.put([request('1')], soon())
    await etcdItself.put(`${namespace}/orders/2`).value(Buffer.from([0, 255]))
    await etcdItself.put(`${namespace}/stray`).value('x')
    const { records, skipped } = await driver.list({ all: true }, soon())
    expect(records).toHaveLength(1)
    expect(skipped.map(({ key }) => key)).toEqual(['orders/2', 'stray'])
  })

  test('diagnose returns the version', async () => {
    const { serverVersion } = (await driver.diagnose?.(soon())) ?? {}
    expect(serverVersion).toMatch(/^3\.\d+\.\d+/)
  })
})
