import { describeFormatContract } from '@sd/contract-tests'
import type { PutRequest, ServiceInstance, WireFormat } from '@sd/core/driver'
import { describe, expect, test } from 'vitest'
import { zookeeperFormats } from '../../src/index.ts'
import { goldenRecord } from './golden.ts'

const { kratos, curator, dubbo, 'spring-zookeeper': spring } = zookeeperFormats
const bytes = (text: string): Uint8Array => Buffer.from(text)

const instance: ServiceInstance = {
  service: 'orders',
  id: 'orders-1',
  version: '1.2.3',
  endpoints: ['http://10.0.0.1:8080', 'https://10.0.0.1:8443'],
  weight: 100,
  health: 'passing',
  tags: [],
  metadata: { a: 'b' },
}

const request = (more: Partial<ServiceInstance> = {}): PutRequest => ({
  instance: { ...instance, ...more },
  claim: { owner: 'me', claimedAtMs: 5, seq: 2 },
  mode: 'if-newer',
  ttlMs: 10_000,
  registeredAtMs: 1_795_294_368_241,
})

const written = (format: WireFormat, more?: Partial<ServiceInstance>): Record<string, unknown> =>
  JSON.parse(Buffer.from(format.encode(request(more))).toString()) as Record<string, unknown>

const readBack = (format: WireFormat, more?: Partial<ServiceInstance>): unknown => {
  const { service, id } = { ...instance, ...more }
  return format.decode(format.key({ service, id }, '1'), format.encode(request(more)))
}

const parts = { tags: [], weight: 100, health: 'passing' }

describe('records that the libraries of other fleets wrote', () => {
  test.each([
    [
      'kratos-zookeeper',
      kratos,
      { version: '1.2.3', endpoints: ['http://10.0.0.1:8080', 'grpc://10.0.0.1:9090'] },
    ],
    ['curator', curator, { endpoints: ['http://10.0.0.1:8080', 'https://10.0.0.1:8443'] }],
    ['spring-zookeeper', spring, { endpoints: ['http://10.0.0.1:8080'] }],
    ['dubbo', dubbo, { id: '10.0.0.1:20880', endpoints: ['dubbo://10.0.0.1:20880'] }],
  ])('of %s are read', (peer, format, expected) => {
    const { key, value } = goldenRecord(peer)
    expect(format.serviceOf(key)).toBe('orders')
    expect(format.decode(key, bytes(value))).toMatchObject({
      instance: { service: 'orders', id: 'orders-1', metadata: { a: 'b' }, ...parts, ...expected },
    })
  })

  test.each([
    ['curator', curator, instance.endpoints],
    ['spring-zookeeper', spring, ['http://10.0.0.1:8080']],
    ['dubbo', dubbo, ['dubbo://10.0.0.1:20880']],
  ])('of %s have the fields that ours have, in their order', (peer, format, endpoints) => {
    const theirs = JSON.parse(goldenRecord(peer).value) as Record<string, unknown>
    const { sd_record: own, ...ours } = written(format, { endpoints })
    expect(own).toBeTypeOf('string')
    expect(Object.keys(ours)).toEqual(Object.keys(theirs))
    expect({ ...ours, payload: 0, id: 0, uriSpec: 0, registrationTimeUTC: 0 }).toEqual({
      ...theirs,
      payload: 0,
      id: 0,
      uriSpec: 0,
      registrationTimeUTC: 0,
    })
    expect(Object.entries(ours['payload'] as object)[0]).toEqual(
      Object.entries(theirs['payload'] as object)[0],
    )
  })
})

describe.each([
  ['kratos', kratos],
  ['curator', curator],
  ['spring-zookeeper', spring],
  ['dubbo', dubbo],
])('a record of ours in %s', (_, format) => {
  test('is read back with everything that it holds', () => {
    const more = {
      endpoints: ['tcp://[::1]:99', 'https://10.0.0.1:8443', 'http://10.0.0.1:8080'],
      weight: 0,
      zone: 'eu-1',
      tags: ['x', 'y'],
      health: 'draining' as const,
      metadata: { ['__proto__']: 'odd', plain: '1' },
    }
    for (const each of [{}, more, { metadata: {} }, { weight: 7, metadata: { heavy: 'yes' } }])
      expect(readBack(format, each)).toMatchObject({
        instance: { ...instance, ...each },
        claim: request().claim,
        ttlMs: 10_000,
        registeredAtMs: request().registeredAtMs,
      })
  })

  test('needs names that are names of nodes, and an address', () => {
    expect(format.refusal?.(instance)).toBeUndefined()
    expect(format.refusal?.({ ...instance, id: 'a/b' })).toContain('without a slash')
    expect(format.refusal?.({ ...instance, service: 'a\u0001' })).toContain('ZooKeeper refuses')
  })
})

test.each([curator, spring, dubbo])('$name refuses an instance without an address', (format) => {
  expect(format.refusal?.({ ...instance, endpoints: ['tcp://a'] })).toContain('names no port')
})

test.each([
  ['@class', curator],
  ['instance_status', spring],
  ['zone', spring],
  ['weight', dubbo],
  ['dubbo.endpoints', dubbo],
])('metadata under %s, a key of the format itself, is refused', (key, format) => {
  expect(
    format.refusal?.({ ...instance, zone: 'z', weight: 1, metadata: { [key]: 'x' } }),
  ).toContain(key)
})

test("Curator's payload is null without metadata, which every payload class reads", () => {
  expect(written(curator, { metadata: {} })['payload']).toBeNull()
  expect(written(curator)['payload']).toEqual({ '@class': 'java.util.LinkedHashMap', a: 'b' })
  expect(written(curator, { health: 'failing' })['enabled']).toBe(false)
})

test('Spring gets status, zone and weight, and one secure address', () => {
  const { payload, port, sslPort } = written(spring, {
    health: 'draining',
    zone: 'eu-1',
    weight: 3,
  }) as { payload: { metadata: unknown }; port: unknown; sslPort: unknown }
  expect(payload.metadata).toEqual({
    a: 'b',
    instance_status: 'OUT_OF_SERVICE',
    zone: 'eu-1',
    weight: '3',
  })
  expect([port, sslPort]).toEqual([8443, 8443])
})

const foreign = (format: WireFormat, fields: object): unknown =>
  format.decode('orders/1', bytes(JSON.stringify({ address: '10.0.0.1', port: 80, ...fields })))

test('Spring says status, zone and weight', () => {
  const payload = { metadata: { instance_status: 'DOWN', zone: 'z', weight: '5', k: 'v' } }
  expect(foreign(spring, { payload, sslPort: 443 })).toMatchObject({
    instance: {
      endpoints: ['https://10.0.0.1:443'],
      health: 'failing',
      zone: 'z',
      weight: 5,
      metadata: { k: 'v' },
    },
  })
  const status = { metadata: { instance_status: 'OUT_OF_SERVICE' } }
  expect(foreign(spring, { payload: status })).toMatchObject({ instance: { health: 'draining' } })
})

test('Curator says whether an instance is enabled, and payloads of any class are read', () => {
  const payload = { '@class': 'com.example.Details', weight: 3, name: 'x', deep: { a: 1 } }
  expect(foreign(curator, { enabled: false, payload })).toMatchObject({
    instance: { health: 'draining', metadata: { weight: '3', name: 'x' } },
  })
  for (const each of [null, 'text', 7, []])
    expect(foreign(curator, { payload: each })).toMatchObject({ instance: { metadata: {} } })
  expect(foreign(curator, { address: '::1' })).toMatchObject({
    instance: { endpoints: ['http://[::1]:80'] },
  })
})

test('Dubbo says the port of each protocol', () => {
  const metadata = {
    'dubbo.endpoints': '[{"port":20880,"protocol":"dubbo"},{"port":50051,"protocol":"tri"}]',
  }
  expect(foreign(dubbo, { payload: { metadata } })).toMatchObject({
    instance: { endpoints: ['dubbo://10.0.0.1:20880', 'tri://10.0.0.1:50051'], metadata: {} },
  })
  expect(foreign(dubbo, {})).toMatchObject({ instance: { endpoints: ['dubbo://10.0.0.1:80'] } })
})

test.each([
  ['', curator],
  ['no json', spring],
  ['[]', dubbo],
  ['{"name":"orders","id":"1","address":null,"port":null}', curator],
  ['{"address":"a","port":"80"}', curator],
  ['{"address":"a","payload":{"metadata":{"n":1}}}', spring],
  ['{"address":"a","payload":{"metadata":{"dubbo.endpoints":"{}"}}}', dubbo],
  ['{"address":"a","sd_record":"{\\"weight\\":-1}"}', curator],
])('%j is skipped, with a reason', (value, format) => {
  expect(format.decode('orders/1', bytes(value))).toEqual({
    skipped: expect.stringMatching(/./) as string,
  })
})

for (const [format, peer] of [
  [kratos, 'kratos-zookeeper'],
  [curator, 'curator'],
  [spring, 'spring-zookeeper'],
  [dubbo, 'dubbo'],
] as const) {
  const golden = goldenRecord(peer)
  describeFormatContract(format, {
    foreign: [{ ...golden, instance: { service: 'orders', metadata: { a: 'b' } } }],
    unreadable: [{ key: golden.key, value: '[]' }],
  })
}
