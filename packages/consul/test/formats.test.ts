import { readFileSync } from 'node:fs'
import { describeFormatContract } from '@sd/contract-tests'
import type { PutRequest, ServiceInstance, WireFormat } from '@sd/core/driver'
import { describe, expect, test } from 'vitest'
import { consulFormats } from '../src/index.ts'

const { kratos, 'spring-consul': spring } = consulFormats

/** The service that the peer's library registered, as the agent lists it. */
const goldenService = (peer: string): string => {
  const file = new URL(`../../../tools/peers/golden/${peer}.json`, import.meta.url)
  const stored = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>
  return stored['services/orders-1'] ?? ''
}

const instance: ServiceInstance = {
  service: 'orders',
  id: 'orders-1',
  version: '1.2.3',
  endpoints: ['http://10.0.0.1:8080', 'grpc://10.0.0.1:9090'],
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
  registeredAtMs: 4,
})

const written = (format: WireFormat, more?: Partial<ServiceInstance>): Record<string, unknown> =>
  JSON.parse(Buffer.from(format.encode(request(more))).toString()) as Record<string, unknown>

const readBack = (format: WireFormat, more?: Partial<ServiceInstance>): unknown =>
  format.decode('orders/orders-1', format.encode(request(more)))

const foreign = (format: WireFormat, fields: object): unknown =>
  format.decode(
    'orders/1',
    Buffer.from(JSON.stringify({ Address: '10.0.0.1', Port: 80, ...fields })),
  )

const peers = [
  ['kratos', kratos, 'kratos-consul', instance.endpoints],
  ['spring-consul', spring, 'spring-consul', ['http://10.0.0.1:8080']],
] as const

describe.each(peers)('%s', (_, format, peer, endpoints) => {
  const golden = goldenService(peer)

  test('reads what its library wrote', () => {
    const expected: Partial<ServiceInstance> = { ...instance }
    if (format === spring) delete (expected as { version?: string }).version
    const found = format.decode('orders/orders-1', Buffer.from(golden))
    expect(found).toEqual({ instance: { ...expected, endpoints: expect.anything() as string[] } })
    expect((found as { instance: ServiceInstance }).instance.endpoints.toSorted()).toEqual(
      [...endpoints].toSorted(),
    )
  })

  test('writes the fields of a service as its library does, and nothing else of the service', () => {
    const theirs = JSON.parse(golden) as Record<string, unknown>
    const { Notes, ...ours } = written(format, { endpoints })
    expect(Notes).toBeTypeOf('string')
    const { grpc, http } = theirs['TaggedAddresses'] as Record<string, unknown>
    const tagged = format === kratos ? { http, grpc } : {}
    expect(ours).toEqual({
      Tags: theirs['Tags'],
      Meta: theirs['Meta'],
      Port: theirs['Port'],
      Address: theirs['Address'],
      TaggedAddresses: tagged,
    })
  })

  test('reads back all that it wrote', () => {
    const more = {
      endpoints: ['tcp://[::1]:99', 'https://10.0.0.1:8443', 'http://10.0.0.1:8080'],
      weight: 0,
      zone: 'eu-1',
      tags: ['x', 'y=1'],
      health: 'draining' as const,
      metadata: { ['__proto__']: 'odd', plain: '1' },
    }
    for (const each of [{}, more, { metadata: {} }, { weight: 7, metadata: { heavy: 'yes' } }])
      expect(readBack(format, each)).toEqual({
        instance: { ...instance, ...each },
        claim: request().claim,
        ttlMs: 10_000,
        registeredAtMs: 4,
      })
  })

  test('keeps metadata that Consul refuses where no library looks, and reads it back', () => {
    const refused = { 'a.b': '1', long: 'x'.repeat(513), 'consul-x': '1', ä: '1' }
    const many = Object.fromEntries(Array.from({ length: 80 }, (__, n) => [`k${n}`, 'v']))
    const { Meta } = written(format, { metadata: { ...refused, kept: 'ä', ...many } })
    expect(Meta).toMatchObject({ kept: 'ä' })
    expect(Object.keys(Meta as object).length).toBeLessThanOrEqual(64)
    for (const key of Object.keys(refused)) expect(Meta).not.toHaveProperty([key])
    const metadata = { ...refused, kept: 'ä', ...many }
    expect(readBack(format, { metadata })).toMatchObject({ instance: { metadata } })
  })

  test('reads a plain service, and one with nulls', () => {
    const plain = { endpoints: ['http://10.0.0.1:80'], metadata: {}, tags: [], weight: 100 }
    for (const fields of [{}, { Tags: null, Meta: null, TaggedAddresses: null }])
      expect(foreign(format, fields)).toMatchObject({ instance: { id: '1', ...plain } })
    expect(foreign(format, { Address: '::1' })).toMatchObject({
      instance: { endpoints: ['http://[::1]:80'] },
    })
    const ids = format.decode('orders/a/b', Buffer.from(golden))
    expect(ids).toMatchObject({ instance: { service: 'orders', id: 'a/b' } })
  })

  test.each([
    [{ service: 'a/b' }, 'its service is "a/b"'],
    [{ service: '..' }, 'its service is ".."'],
    [{ service: 'consul' }, 'its service is "consul"'],
    [{ endpoints: ['tcp://a'] }, 'names no port'],
    [{ weight: 1, metadata: { weight: '2' } }, 'its metadata has the key "weight"'],
  ])('refuses %j', (more, reason) => {
    expect(format.refusal?.({ ...instance, ...more })).toContain(reason)
    expect(format.refusal?.({ ...instance, id: 'any / id' })).toBeUndefined()
  })

  describeFormatContract(format, {
    foreign: [
      {
        key: 'orders/orders-1',
        value: golden,
        instance: { service: 'orders', metadata: { a: 'b' } },
      },
    ],
    unreadable: [
      { key: 'orders/orders-1', value: '[]' },
      { key: 'orders/orders-1', value: '{"Address":"a","Port":1,"Meta":{"n":1}}' },
      { key: 'orders/orders-1', value: '{"Address":"a","Port":1,"Notes":"nonsense"}' },
      { key: 'orders/orders-1', value: '{"Address":"a","Port":1,"Notes":"{\\"weight\\":-1}"}' },
    ],
  })
})

test('Kratos gets the version as a tag, one URL for each scheme, and the weight as text', () => {
  const endpoints = ['https://10.0.0.1:8443', 'grpcs://[::1]:9090', 'https://10.0.0.2:8443']
  expect(written(kratos, { endpoints, weight: 7, tags: ['canary'] })).toMatchObject({
    Tags: ['version=1.2.3', 'canary'],
    Meta: { a: 'b', weight: '7' },
    TaggedAddresses: {
      https: { Address: 'https://10.0.0.1:8443', Port: 8443 },
      grpcs: { Address: 'grpcs://[::1]:9090', Port: 9090 },
    },
  })
  expect(kratos.refusal?.({ ...instance, tags: ['version=2'] })).toContain('a version for Kratos')
  const fields = {
    Tags: ['x', 'version=1', 'version=2'],
    Meta: { weight: '0', k: 'v' },
    TaggedAddresses: {
      grpcs: { Address: 'grpcs://[::1]:9090', Port: 9090 },
      lan_ipv4: { Address: '10.0.0.1', Port: 80 },
    },
  }
  expect(foreign(kratos, fields)).toEqual({
    instance: {
      service: 'orders',
      id: '1',
      version: '2',
      endpoints: ['grpcs://[::1]:9090'],
      weight: 0,
      health: 'passing',
      tags: ['x'],
      metadata: { k: 'v' },
    },
  })
})

test('Spring gets one address, and whether it is secure, the zone and the weight as metadata', () => {
  const endpoints = ['http://10.0.0.1:8080', 'https://10.0.0.1:8443']
  expect(written(spring, { endpoints, zone: 'z', weight: 7, tags: ['canary'] })).toMatchObject({
    Tags: ['canary'],
    Meta: { a: 'b', secure: 'true', zone: 'z', weight: '7' },
    Address: '10.0.0.1',
    Port: 8443,
  })
  expect(written(spring, { endpoints: ['grpc://[::1]:99'] })).toMatchObject({
    Address: '::1',
    Port: 99,
    Meta: { secure: 'false' },
  })
  for (const [key, more] of [
    ['secure', {}],
    ['zone', { zone: 'z' }],
  ] as const)
    expect(spring.refusal?.({ ...instance, ...more, metadata: { [key]: 'x' } })).toContain(key)
  const Meta = { secure: 'True', zone: 'z', weight: '5', group: 'g' }
  expect(foreign(spring, { Meta, Tags: ['t'] })).toMatchObject({
    instance: {
      endpoints: ['https://10.0.0.1:80'],
      zone: 'z',
      weight: 5,
      tags: ['t'],
      metadata: { group: 'g' },
    },
  })
  expect(foreign(spring, { Port: 0 })).toEqual({ skipped: 'it has no address or no port' })
})
