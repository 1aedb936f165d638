import type { PutRequest } from '@sd/core/driver'
import { describe, expect, test } from 'vitest'
import { FleetLayout } from '../src/catalog/fleet-layout.ts'
import { layoutFor } from '../src/catalog/layout-for.ts'
import { decodeEntry, parseEntries } from '../src/catalog/service-entry.ts'
import { consulFormats } from '../src/index.ts'

const layout = new FleetLayout('')
const { kratos } = consulFormats

const request: PutRequest = {
  instance: {
    service: 'orders',
    id: 'a b',
    endpoints: ['http://10.0.0.1:8080', 'grpc://10.0.0.1:9090'],
    weight: 7,
    health: 'passing',
    tags: [],
    metadata: { z: '1', a: '2' },
  },
  claim: { owner: 'me', claimedAtMs: 5, seq: 2 },
  mode: 'if-newer',
  ttlMs: 10_000,
  registeredAtMs: 4,
}

interface Overrides {
  readonly service?: object
  readonly checks?: readonly object[]
  readonly node?: object
}

/** The answer about one service; `checks` are `CheckID`, `Status` and `Notes`. */
const answer = ({ service, checks = [], node }: Overrides): string =>
  JSON.stringify([
    {
      Node: { Node: 'n1', Address: '10.9.9.9', ...node },
      Service: { ID: 'k1', Service: 'orders', Address: '10.0.0.1', Port: 80, ...service },
      Checks: checks,
    },
  ])

const read = (overrides: Overrides) => {
  const [entry] = parseEntries(layout, answer(overrides), 'list')
  if (entry === undefined) throw new Error('no entry')
  return { entry, record: decodeEntry(layout, kratos, entry) }
}

describe('names in Consul', () => {
  test('are those of the fleet, in a namespace behind it and a dot', () => {
    expect(layout.serviceName('Orders.v2_x')).toBe('Orders.v2_x')
    const prod = new FleetLayout('prod')
    expect(prod.serviceName('orders')).toBe('prod.orders')
    expect(prod.serviceOf('prod.orders')).toBe('orders')
    expect(prod.serviceOf('orders')).toBeUndefined()
    expect(prod.serviceOf('prod-two.orders')).toBeUndefined()
    expect(layout.serviceOf('consul')).toBeUndefined()
    expect(layout.serviceOf('a/b')).toBeUndefined()
    expect(layout.serviceName('../x')).toBe('sd:_2e_2e_2fx')
  })

  test('ids of ours name the service, and are read back; others are ids themselves', () => {
    const names = ['orders', 'a_b', 'A.b', 'x~1'].flatMap((service) =>
      ['orders', 'a b', 'a:b', 'ä/漢', 'sd:orders:1'].map((id) => ({ service, id })),
    )
    const ids = names.map((name) => layout.serviceId(name))
    expect(new Set(ids.map((id) => id.toLowerCase())).size).toBe(names.length)
    expect(ids.map((id) => layout.instanceOf(id))).toEqual(names)
    for (const id of ids) expect(id).toMatch(/^sd:[a-z0-9_-]+:[a-z0-9_-]+$/)
    for (const foreign of ['orders-1', 'sd:x', 'sd:a:b:c', 'sd:_zz:1'])
      expect(layout.instanceOf(foreign)).toBeUndefined()
    expect(layout.identify({ serviceName: 'orders', serviceId: 'k1' })).toEqual({
      service: 'orders',
      id: 'k1',
    })
    expect(layout.identify({ serviceName: 'other', serviceId: 'sd:orders:1' })).toBeUndefined()
  })
})

test('each format has its layout and its namespace', () => {
  expect(layoutFor(kratos, undefined).serviceName('orders')).toBe('orders')
  expect(layoutFor(kratos, 'prod').serviceName('orders')).toBe('prod.orders')
  expect(layoutFor(consulFormats.json, undefined).checkName).toBe('sd:services')
})

test('a record of ours is read back from its entry, with the text that was sent', () => {
  const text = layout.textOf(Buffer.from(kratos.encode(request)).toString())
  const { service, notes } = layout.fieldsOf(request, text)
  const { Meta, TaggedAddresses } = service as Record<string, object>
  expect(Meta).toEqual({ a: '2', z: '1', weight: '7' })
  const added = {
    lan_ipv4: { Address: '10.0.0.1', Port: 8080 },
    wan_ipv4: { Address: '10.0.0.1', Port: 8080 },
  }
  const { entry, record } = read({
    service: {
      ...service,
      ID: layout.serviceId(request.instance),
      // in the order of Consul, with what an agent adds
      Meta: Object.fromEntries(Object.entries(Meta ?? {}).toReversed()),
      TaggedAddresses: { ...added, ...TaggedAddresses },
    },
    checks: [
      { CheckID: 'serfHealth', Status: 'passing' },
      { CheckID: 'service:sd:orders:a_20b:s1:health', Status: 'critical', Notes: 'x' },
      { CheckID: 'service:sd:orders:a_20b:s1', Status: 'passing', Notes: notes },
    ],
  })
  expect(entry).toMatchObject({ sessionId: 's1', text, live: true, reportedUnfit: true })
  const { instance, claim, ttlMs, registeredAtMs } = request
  expect(record).toEqual({ key: 'n1/sd:orders:a_20b', instance, claim, ttlMs, registeredAtMs })
})

test('a record of ours without the notes of its check is skipped', () => {
  for (const checks of [[], [{ CheckID: 'service:sd:orders:1', Status: 'passing', Notes: '' }]])
    expect(read({ service: { ID: 'sd:orders:1' }, checks }).record).toEqual({
      key: 'n1/sd:orders:1',
      reason: 'it is empty',
    })
})

test('the notes of a check of another program are none of ours', () => {
  const checks = [{ CheckID: 'service:k1:s1', Status: 'passing', Notes: 'nonsense' }]
  expect(read({ checks }).entry.sessionId).toBe('')
  expect(read({ checks }).record).toMatchObject({ instance: { id: 'k1' } })
})

test('a service without an address has that of its node', () => {
  expect(read({ service: { Address: '' } }).record).toMatchObject({
    instance: { endpoints: ['http://10.9.9.9:80'] },
  })
})

test('a service of a peer is there while its checks pass, and draining in maintenance', () => {
  const health = (...checks: readonly (readonly [string, string])[]) => {
    const { entry } = read({
      checks: checks.map(([CheckID, Status]) => ({ CheckID, Status })),
    })
    return entry.live ? (entry.foreign ?? 'passing') : 'gone'
  }
  expect(health()).toBe('passing')
  expect(health(['service:k1', 'passing'], ['serfHealth', 'passing'])).toBe('passing')
  expect(health(['service:k1', 'critical'])).toBe('gone')
  expect(health(['service:k1', 'passing'], ['service:k1:2', 'warning'])).toBe('gone')
  expect(health(['service:k1', 'passing'], ['serfHealth', 'critical'])).toBe('gone')
  const maintenance = ['_service_maintenance:k1', 'critical'] as const
  expect(health(['service:k1', 'passing'], maintenance)).toBe('draining')
  expect(health(['service:k1', 'critical'], maintenance)).toBe('gone')
})

test('a document that is not the JSON of a service cannot be stored', () => {
  expect(() => layout.textOf('10.0.0.1:80')).toThrow(/JSON/)
})
