import { jsonFormat, type DriverSession, type RegistryDriver } from '@sd/core/driver'
import { codeOf, idsOf, ref, request, soon } from '@sd/contract-tests/world'
import { consul, provideServers, until } from '@sd/test-servers'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Keys } from '../src/keys.ts'
import { Admin, connect } from './support.ts'

const servers = await provideServers(consul)
const host = servers.endpoints[0] ?? ''
const admin = new Admin(host)

let namespaces = 0
let keys: Keys
let driver: RegistryDriver
let rivalDriver: RegistryDriver
let session: DriverSession
let rival: DriverSession

afterAll(() => servers[Symbol.asyncDispose]())
beforeEach(async () => {
  const namespace = `session-${process.pid}-${namespaces++}`
  keys = new Keys(namespace)
  driver = connect(host, { namespace })
  rivalDriver = connect(host, { namespace })
  session = await driver.openSession({ ttlMs: 10_000 }, soon())
  rival = await rivalDriver.openSession({ ttlMs: 10_000 }, soon())
})
afterEach(async () => {
  await session.close(soon())
  await rival.close(soon())
  await driver[Symbol.asyncDispose]()
  await rivalDriver[Symbol.asyncDispose]()
})

const orders = () => keys.serviceName('orders')
const serviceId = (id: string): string => keys.serviceId({ service: 'orders', id })
const states = async (owner: DriverSession, ...ids: string[]): Promise<string[]> =>
  (
    await owner.audit(
      ids.map((id) => ref(id)),
      soon(),
    )
  ).map(({ state }) => state)

describe('a registration', () => {
  test('fills the matching fields of Consul', async () => {
    const instance = { endpoints: ['grpc://[2001:db8::7]:9090', 'http://h:1'], tags: ['a', 'b'] }
    await session.put([request('1', {}, { ...instance, weight: 7 })], soon())
    const [entry] = await admin.health(orders())
    expect(entry?.Service).toMatchObject({
      ID: serviceId('1'),
      Address: '2001:db8::7',
      Port: 9090,
      Tags: ['a', 'b'],
      Weights: { Passing: 7 },
    })
    expect(entry?.Checks.map(({ Status }) => Status)).toEqual(['passing', 'passing'])
  })

  test('of weight 0 is the lightest in Consul, and 0 in the record', async () => {
    await session.put([request('1', {}, { weight: 0, endpoints: ['https://h'] })], soon())
    const [entry] = await admin.health(orders())
    expect(entry?.Service).toMatchObject({ Port: 443, Weights: { Passing: 1 } })
    const { records } = await driver.list({ service: 'orders' }, soon())
    expect(records[0]?.instance.weight).toBe(0)
  })

  test('D2: names that differ only in case are isolated', async () => {
    for (const service of ['user', 'User', 'USER'])
      await session.put([request('a', {}, { service }), request('A', {}, { service })], soon())
    for (const service of ['user', 'User', 'USER'])
      expect(await idsOf(driver, { service })).toEqual(['A', 'a'])
    const { services: found } = await driver.list({ services: true }, soon())
    expect(found?.toSorted()).toEqual(['USER', 'User', 'user'])
    expect(await idsOf(driver, { all: true })).toHaveLength(6)
  })

  test('is updated in place: it is never missing, and has no more Meta than it needs', async () => {
    await session.put([request('1', {}, { metadata: { text: 'x'.repeat(5000) } })], soon())
    let gone = 0
    const end = new AbortController()
    const looking = (async () => {
      while (!end.signal.aborted) gone += (await idsOf(rivalDriver)).length === 1 ? 0 : 1
    })()
    for (let seq = 1; seq <= 20; seq += 1) await session.put([request('1', { seq })], soon())
    end.abort()
    await looking
    expect(gone).toBe(0)
    const [entry] = await admin.health(orders())
    expect(Object.keys(entry?.Service.Meta ?? {})).toEqual(['sd_record_0', 'sd_session'])
  })

  test('a binary format is refused', async () => {
    const { consul: factory } = await import('../src/index.ts')
    const { createDriverContext } = await import('@sd/core/driver')
    const format = { ...jsonFormat, name: 'binary', encode: () => Uint8Array.of(0xff, 0) }
    await using binary = factory({ endpoint: `http://${host}` })({
      ...createDriverContext(),
      format,
    })
    const own = await binary.openSession({ ttlMs: 10_000 }, soon())
    expect(await codeOf(own.put([request('1')], soon()))).toBe('unsupported')
  })
})

describe('renew', () => {
  test('writes nothing to the catalog', async () => {
    const short = await driver.openSession({ ttlMs: 1000 }, soon())
    await short.put([request('1')], soon())
    const modified = async (): Promise<unknown> =>
      (await admin.get<{ ModifyIndex: number }[]>(`health/checks/${orders()}`)).map(
        ({ ModifyIndex }) => ModifyIndex,
      )
    const before = await modified()
    const began = performance.now()
    while (performance.now() - began < 3000) await short.renew(soon())
    expect(await modified()).toEqual(before)
    expect(await idsOf(driver)).toEqual(['1'])
    await short.close(soon())
  })

  test('reports session-lost when most of its checks are unknown, and leaves a few to the audit', async () => {
    const short = await driver.openSession({ ttlMs: 1000 }, soon())
    await short.put([request('1'), request('2'), request('3')], soon())
    const renewAll = async (): Promise<string> => {
      // a check that passed less than a fifth of the ttl ago is not due
      await new Promise((resolve) => setTimeout(resolve, 250))
      return codeOf(short.renew(soon()))
    }
    await admin.deregister(serviceId('1'))
    expect(await renewAll()).toBe('none')
    await admin.gone(orders(), serviceId('1'))
    expect(await states(short, '1', '2', '3')).toEqual(['missing', 'ours', 'ours'])
    await admin.deregister(serviceId('2'))
    expect(await renewAll()).toBe('session-lost')
    expect(short.lost.aborted).toBe(true)
    await short.close(soon())
  })

  test('does not count checks that rivals took over as lost', async () => {
    const short = await driver.openSession({ ttlMs: 1000 }, soon())
    await short.put([request('1'), request('2'), request('3')], soon())
    const taken = ['1', '2'].map((id) => request(id, { owner: 'b', claimedAtMs: 2 }))
    expect(await rival.put(taken, soon())).toMatchObject([{ result: 'written' }, {}])
    expect(await short.remove([ref('1'), ref('2')], soon())).toMatchObject([
      { result: 'not-ours' },
      { result: 'not-ours' },
    ])
    await new Promise((resolve) => setTimeout(resolve, 250))
    expect(await codeOf(short.renew(soon()))).toBe('none')
    await short.close(soon())
  })

  test("does not keep a rival's instance alive, nor that of an earlier session", async () => {
    const short = await rivalDriver.openSession({ ttlMs: 1000 }, soon())
    const old = await driver.openSession({ ttlMs: 1000 }, soon())
    await old.put([request('1')], soon())
    await short.put([request('1', { owner: 'b', claimedAtMs: 2 })], soon())
    await until(
      'the rival, which sends no heartbeat, is removed',
      async () => {
        await codeOf(old.renew(soon()))
        return (await idsOf(driver)).length === 0
      },
      10_000,
    )
    expect(old.lost.aborted).toBe(true)
    await old.close(soon())
    await short.close(soon())
  })
})

describe('put', () => {
  test('replaces a critical record, also with if-absent', async () => {
    const dying = await driver.openSession({ ttlMs: 1000 }, soon())
    await dying.put([request('1', { claimedAtMs: 9 })], soon())
    await until('the record is critical', async () => (await idsOf(driver)).length === 0, 10_000)
    const absent = request('1', { owner: 'b', claimedAtMs: 2 }, { mode: 'if-absent' })
    expect(await rival.put([absent], soon())).toMatchObject([{ result: 'written' }])
    await dying.close(soon())
    expect(await idsOf(driver)).toEqual(['1'])
  })
})

describe('audit', () => {
  test('audits records as ours, missing, replaced and edited', async () => {
    const ids = ['ours', 'missing', 'replaced', 'edited', 'broken', 'unchecked']
    await session.put(
      ids.map((id) => request(id)),
      soon(),
    )
    await admin.deregister(serviceId('missing'))
    await rival.put([request('replaced', { owner: 'b', claimedAtMs: 2 })], soon())
    const entries = await admin.health(orders())
    const rewrite = async (id: string, change: (text: string) => string, check: boolean) => {
      const entry = entries.find(({ Service }) => Service.ID === serviceId(id))
      const text = change(entry?.Service.Meta['sd_record_0'] ?? '')
      const checkId = entry?.Checks.find(({ CheckID }) => CheckID !== 'serfHealth')?.CheckID
      await admin.put(`agent/service/register?replace-existing-checks=true`, {
        ID: serviceId(id),
        Name: orders(),
        Meta: { ...entry?.Service.Meta, sd_record_0: text },
        ...(check ? { Check: { CheckID: checkId, TTL: '1h', Status: 'passing' } } : {}),
      })
      await admin.shows(
        orders(),
        serviceId(id),
        ({ Service }) => Service.Meta['sd_record_0'] === text,
      )
    }
    await rewrite('edited', (text) => text.replace('"seq":0', '"seq":1'), true)
    await rewrite('broken', () => '?', true)
    await rewrite('unchecked', (text) => text, false)
    await until(
      'the agent has updated the catalog',
      async () => (await states(session, 'unchecked'))[0] === 'missing',
    )
    const audits = await session.audit(
      ids.map((id) => ref(id)),
      soon(),
    )
    expect(audits.map(({ state }) => state)).toEqual([
      'ours',
      'missing',
      'replaced',
      'edited',
      'edited',
      'missing',
    ])
    expect(audits[2]?.record?.claim?.owner).toBe('b')
    expect(audits[3]?.record?.claim?.seq).toBe(1)
  })

  test("ignores a dead rival's higher claim at another agent", async () => {
    await session.put([request('1')], soon())
    const [entry] = await admin.health(orders())
    const Meta = {
      ...entry?.Service.Meta,
      sd_record_0: entry?.Service.Meta['sd_record_0']?.replace('"owner":"a"', '"owner":"b"'),
      sd_session: 'rival',
    }
    await admin.put('catalog/register', {
      Node: 'elsewhere',
      Address: '10.0.0.9',
      Service: { ID: serviceId('1'), Service: orders(), Meta },
      Check: { CheckID: 'dead', ServiceID: serviceId('1'), Status: 'critical' },
    })
    expect(await states(session, '1')).toEqual(['ours'])
    await admin.deregister(serviceId('1'))
    await until(
      'the catalog has removed ours',
      async () => (await admin.health(orders())).length === 1,
    )
    expect(await states(session, '1')).toEqual(['missing'])
    await admin.put('catalog/deregister', { Node: 'elsewhere' })
  })

  test('audits a record that was deleted only from the catalog as missing, and putting it again restores it', async () => {
    await session.put([request('1')], soon())
    const [entry] = await admin.health(orders())
    await admin.put('catalog/deregister', {
      Node: entry?.Node.Node,
      ServiceID: entry?.Service.ID,
    })
    expect(await states(session, '1')).toEqual(['missing'])
    await session.renew(soon())
    expect(await session.put([request('1')], soon())).toMatchObject([{ result: 'written' }])
    expect(await states(session, '1')).toEqual(['ours'])
  })
})

describe('close', () => {
  test('removes all records, and may be called again', async () => {
    await session.put(
      Array.from({ length: 16 }, (_, index) => request(`i${index}`)),
      soon(),
    )
    expect(await admin.writtenBy(session.id)).toHaveLength(16)
    await session.close(soon())
    expect(await admin.writtenBy(session.id)).toEqual([])
    expect(await idsOf(driver)).toEqual([])
    await session.close(soon())
  })
})

test('diagnose returns the version, and the difference of the clocks', async () => {
  const { serverVersion, clockOffsetMs } = (await driver.diagnose?.(soon())) ?? {}
  expect(Math.abs(clockOffsetMs ?? Number.NaN)).toBeLessThan(2_000)
  expect(serverVersion).toMatch(/^1\.\d+\.\d+/)
})
