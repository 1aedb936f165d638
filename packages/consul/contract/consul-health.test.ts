import type { DriverSession, RegistryDriver } from '@sd/core/driver'
import type { InstanceHealth } from '@sd/core'
import { eventually } from '@sd/contract-tests'
import { idsOf, observing, ref, request, soon } from '@sd/contract-tests/world'
import { consul, provideServers } from '@sd/test-servers'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { healthCheckIdOf, Keys } from '../src/keys.ts'
import { askDns } from './ask-dns.ts'
import { Admin, connect } from './support.ts'

const servers = await provideServers(consul)
const host = servers.endpoints[0] ?? ''
const [server] = servers.control?.servers ?? []
const dns = server?.endpoints['dns'] ?? `${new URL(`http://${host}`).hostname}:8600`
const admin = new Admin(host)
// DNS finds ordinary names of the default namespace
const keys = new Keys('services')

let services = 0
let service: string
let driver: RegistryDriver
let reader: RegistryDriver
let session: DriverSession

afterAll(() => servers[Symbol.asyncDispose]())
beforeEach(async () => {
  service = `health-${process.pid}-${services++}`
  driver = connect(host)
  reader = connect(host)
  session = await driver.openSession({ ttlMs: 10_000 }, soon())
})
afterEach(async () => {
  await session.close(soon())
  await driver[Symbol.asyncDispose]()
  await reader[Symbol.asyncDispose]()
})

const serviceId = (id: string): string => keys.serviceId({ service, id })
const portOf = (id: string): number => 8_000 + Number(id)

let seq = 0
const put = async (id: string, health: InstanceHealth, owner = session): Promise<void> => {
  const instance = { service, health, endpoints: [`http://127.0.0.1:${portOf(id)}`] }
  seq += 1
  const outcomes = await owner.put([request(id, { seq }, instance)], soon())
  expect(outcomes).toMatchObject([{ result: 'written' }])
}

/** The health of each instance, as a reader of this package gets it. */
const healths = async (): Promise<Readonly<Record<string, string>>> => {
  const { records } = await reader.list({ service }, soon())
  return Object.fromEntries(records.map(({ instance }) => [instance.id, instance.health]))
}

/** The ports of the instances that Consul itself hands out, over both of its interfaces. */
const handedOut = async (): Promise<{ api: readonly number[]; dns: readonly number[] }> => {
  const path = `health/service/${keys.serviceName(service)}?passing`
  const entries = await admin.get<{ readonly Service: { readonly Port: number } }[]>(path)
  return {
    api: entries.map(({ Service }) => Service.Port).toSorted((a, b) => a - b),
    dns: await askDns(dns, `${keys.serviceName(service)}.service.consul`),
  }
}

const handsOut = async (...ids: string[]): Promise<void> => {
  const ports = ids.map(portOf)
  let seen: unknown
  await eventually(
    `Consul hands out ${ids.join()}`,
    5_000,
    async () => {
      seen = await handedOut()
      return JSON.stringify(seen) === JSON.stringify({ api: ports, dns: ports })
    },
    () => seen,
  )
}

describe('the health of an instance', () => {
  test.each(['failing', 'draining'] as const)(
    '%s: DNS and the health API leave it out, and readers see it',
    async (health) => {
      await put('1', 'passing')
      await put('2', 'passing')
      await handsOut('1', '2')
      await using watch = observing(reader, { service })
      await watch.next()
      await put('1', health)
      // no waiting: what `put` has acknowledged, Consul shows
      expect(await handedOut()).toEqual({ api: [portOf('2')], dns: [portOf('2')] })
      expect(await healths()).toEqual({ 1: health, 2: 'passing' })
      expect(await watch.next()).toMatchObject({
        type: 'changes',
        records: [{ instance: { id: '1', health } }],
        removed: [],
      })
      await put('1', 'passing')
      expect(await handedOut()).toEqual({
        api: [portOf('1'), portOf('2')],
        dns: [portOf('1'), portOf('2')],
      })
      expect(await watch.next()).toMatchObject({
        records: [{ instance: { id: '1', health: 'passing' } }],
        removed: [],
      })
    },
  )

  test('has a check of its own, which Consul does not clean up', async () => {
    await put('1', 'failing')
    const checks = await admin.get<
      {
        readonly CheckID: string
        readonly Status: string
        readonly Name: string
        readonly Definition: { readonly DeregisterCriticalServiceAfterDuration?: string }
      }[]
    >(`health/checks/${keys.serviceName(service)}`)
    const own = checks.find(
      ({ CheckID }) => CheckID === healthCheckIdOf(serviceId('1'), session.id),
    )
    expect(own).toMatchObject({
      Status: 'critical',
      Name: 'sd:services:health',
    })
    const cleanUp = own?.Definition.DeregisterCriticalServiceAfterDuration ?? '0s'
    expect(cleanUp).toBe('0s')
    const alive = checks.filter(({ Name }) => Name === keys.checkName)
    expect(alive).toMatchObject([{ Status: 'passing' }])
    await put('1', 'passing')
    const [entry] = await admin.health(keys.serviceName(service))
    expect(entry?.Checks.map(({ Status }) => Status)).toEqual(['passing', 'passing'])
  })

  test('does not keep a dead owner’s instance listed', async () => {
    const dying = await driver.openSession({ ttlMs: 1_000 }, soon())
    await put('1', 'failing', dying)
    expect(await healths()).toEqual({ 1: 'failing' })
    await eventually(
      'it leaves',
      6_000,
      async () => (await idsOf(reader, { service })).length === 0,
    )
    await dying.close(soon())
  })

  test('does not free its id: a failing owner still holds it', async () => {
    await put('1', 'failing')
    const rivalDriver = connect(host)
    const rival = await rivalDriver.openSession({ ttlMs: 10_000 }, soon())
    const wanted = request('1', { owner: 'b' }, { service, mode: 'if-absent' })
    expect(await rival.put([wanted], soon())).toMatchObject([{ result: 'conflict' }])
    await rival.close(soon())
    await rivalDriver[Symbol.asyncDispose]()
  })

  test('is restored when somebody passes its check', async () => {
    await put('1', 'failing')
    expect(await session.audit([ref('1', 'a', service)], soon())).toMatchObject([{ state: 'ours' }])
    await admin.put(`agent/check/pass/${healthCheckIdOf(serviceId('1'), session.id)}`)
    await eventually('the audit notices', 5_000, async () => {
      const [audit] = await session.audit([ref('1', 'a', service)], soon())
      return audit?.state === 'missing'
    })
    await put('1', 'failing')
    await handsOut()
  })
})

describe('a check of others', () => {
  const foreignCheck = (more: object) =>
    admin.put('agent/check/register', { Name: 'http', TTL: '1h', Status: 'critical', ...more })

  test('on the instance: failing, as Consul itself leaves it out, and never gone', async () => {
    await put('1', 'passing')
    await using watch = observing(reader, { service })
    await using all = observing(reader, { all: true })
    await watch.next()
    await all.next()
    await foreignCheck({ ID: `${service}-http`, ServiceID: serviceId('1') })
    const failing = { records: [{ instance: { id: '1', health: 'failing' } }], removed: [] }
    expect(await watch.next()).toMatchObject(failing)
    expect(await all.next()).toMatchObject(failing)
    await handsOut()
    // its owner's audit compares what the owner wrote
    expect(await session.audit([ref('1', 'a', service)], soon())).toMatchObject([{ state: 'ours' }])
    await admin.put(`agent/check/pass/${service}-http`)
    const passing = { records: [{ instance: { id: '1', health: 'passing' } }], removed: [] }
    expect(await watch.next()).toMatchObject(passing)
    expect(await all.next()).toMatchObject(passing)
    await handsOut('1')
  })

  test('on the node: every instance there is failing', async () => {
    await put('1', 'passing')
    await put('2', 'draining')
    const checkId = `${service}-disk`
    await foreignCheck({ ID: checkId })
    await eventually('readers see it', 5_000, async () => (await healths())['1'] === 'failing')
    expect(await healths()).toEqual({ 1: 'failing', 2: 'draining' })
    await admin.put(`agent/check/deregister/${checkId}`)
    await eventually('it is over', 5_000, async () => (await healths())['1'] === 'passing')
  })

  test.each([
    ['the instance', (id: string) => `agent/service/maintenance/${id}`],
    ['its node', () => 'agent/maintenance'],
  ])('maintenance of %s: draining', async (_, path) => {
    await put('1', 'passing')
    await admin.put(`${path(serviceId('1'))}?enable=true`)
    await eventually('readers see it', 5_000, async () => (await healths())['1'] === 'draining')
    await handsOut()
    expect(await healths()).toEqual({ 1: 'draining' })
    await admin.put(`${path(serviceId('1'))}?enable=false`)
    await eventually('it is over', 5_000, async () => (await healths())['1'] === 'passing')
    await handsOut('1')
  })
})
