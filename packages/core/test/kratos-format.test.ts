import { kratosFormat, type PutRequest } from '@sd/core/driver'
import { describe, expect, test } from 'vitest'

const bytes = (value: unknown): Uint8Array =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))

/** As Kratos v2.9.2 writes it with its etcd and ZooKeeper registries, byte for byte. */
const written =
  '{"id":"orders-1","name":"orders","version":"1.2.3","metadata":{"a":"b"},"endpoints":["http://10.0.0.1:8080","grpc://10.0.0.1:9090"]}'
const weighted =
  '{"id":"orders-1","name":"orders","version":"1.2.3","metadata":{"a":"b","weight":"50"},"endpoints":["http://10.0.0.1:8080","grpc://10.0.0.1:9090"]}'

const instance = {
  service: 'orders',
  id: 'orders-1',
  version: '1.2.3',
  endpoints: ['http://10.0.0.1:8080', 'grpc://10.0.0.1:9090'],
  weight: 100,
  health: 'passing',
  tags: [],
  metadata: { a: 'b' },
}

const request = (more: Partial<PutRequest['instance']> = {}): PutRequest => ({
  instance: { ...instance, ...more },
  claim: { owner: 'me', claimedAtMs: 5, seq: 2 },
  mode: 'if-newer',
  ttlMs: 10_000,
  registeredAtMs: 4,
})

const encoded = (more: Partial<PutRequest['instance']> = {}): Record<string, unknown> =>
  JSON.parse(Buffer.from(kratosFormat.encode(request(more))).toString()) as Record<string, unknown>

const decoded = (value: unknown): unknown => kratosFormat.decode('orders/orders-1', bytes(value))

describe('kratosFormat', () => {
  test('keeps what is no weight in the metadata, and takes a weight of any digits', () => {
    for (const weight of ['heavy', '000100', '65536', '-1', ''])
      expect(decoded({ name: 'orders', id: 'orders-1', metadata: { weight } })).toMatchObject({
        instance: { weight: 100, metadata: { weight } },
      })
    for (const weight of [0, 9, 99, 65_535])
      expect(
        decoded({ name: 'orders', id: 'orders-1', metadata: { weight: String(weight) } }),
      ).toMatchObject({ instance: { weight, metadata: {} } })
    expect(encoded({ metadata: { weight: 'heavy' } })['metadata']).toEqual({ weight: 'heavy' })
  })

  test('is written by other programs too, and refuses names that lead to another key', () => {
    expect(kratosFormat.foreignWriters).toBe(true)
    expect(kratosFormat.prefix('orders')).toBe('orders/')
    for (const name of ['.', '..', 'a/b'])
      expect(kratosFormat.refusal?.({ ...instance, id: name })).toContain(JSON.stringify(name))
    expect(kratosFormat.refusal?.({ ...instance, id: 'a.b' })).toBeUndefined()
  })

  test('has the keys of Kratos, which begin with a slash', () => {
    expect(kratosFormat.key(instance, '')).toBe('orders/orders-1')
    expect(kratosFormat.namespacePrefix?.('microservices')).toBe('/microservices/')
    expect(kratosFormat.namespacePrefix?.('/micro/eu')).toBe('/micro/eu/')
    expect(kratosFormat.serviceOf('orders/orders-1')).toBe('orders')
    expect(kratosFormat.serviceOf('orders')).toBeUndefined()
    expect(kratosFormat.serviceOf('orders/')).toBeUndefined()
    expect(kratosFormat.serviceOf('eu/orders/orders-1')).toBeUndefined()
    expect(kratosFormat.serviceOf('/x')).toBeUndefined()
  })

  test('reads what Kratos writes', () => {
    expect(decoded(written)).toEqual({ instance })
    expect(decoded(weighted)).toEqual({ instance: { ...instance, weight: 50 } })
  })

  test('reads nulls, missing fields and a missing id, as other writers leave them', () => {
    const bare = { ...instance, endpoints: [], metadata: {}, version: undefined }
    const expected = {
      instance: Object.fromEntries(Object.entries(bare).filter(([, v]) => v !== undefined)),
    }
    expect(decoded({ name: 'orders', metadata: null, endpoints: null })).toEqual(expected)
    expect(decoded({ id: '', name: 'orders', version: '' })).toEqual(expected)
    expect(decoded({ id: 'other', name: 'orders' })).toMatchObject({ instance: { id: 'other' } })
  })

  test.each([
    ['', 'it is empty'],
    ['no json at all', 'Unexpected token'],
    ['[]', 'it is not a JSON object'],
    [{ id: 'x', name: 'orders-eu' }, 'its "name" is not the service of its key'],
    [{ id: 'x', name: 'orders', metadata: { a: 1 } }, '"metadata" is not an object of strings'],
    [{ id: 'x', name: 'orders', endpoints: [1] }, '"endpoints" is not a list of strings'],
  ])('skips %j', (value, reason) => {
    expect(decoded(value)).toEqual({ skipped: expect.stringContaining(reason) as string })
  })

  test('writes the fields of Kratos as Kratos does, and its own beside them', () => {
    const { claim, ttlMs, registeredAtMs, ...rest } = encoded()
    expect(JSON.stringify(rest)).toBe(written)
    expect({ claim, ttlMs, registeredAtMs }).toEqual({
      claim: { owner: 'me', at: 5, seq: 2 },
      ttlMs: 10_000,
      registeredAtMs: 4,
    })
  })

  test('writes only strings in the metadata, the weight among them', () => {
    expect(encoded({ weight: 50 })).toMatchObject({ metadata: { a: 'b', weight: '50' } })
    expect(encoded({ weight: 50 })).not.toHaveProperty('weight')
    expect(encoded({ metadata: { weight: '7' } })).toMatchObject({ metadata: {} })
  })

  test('writes weight 0 for Kratos while an instance is not passing, and keeps the weight itself', () => {
    const draining = { weight: 50, health: 'draining' }
    expect(encoded(draining)).toMatchObject({ metadata: { a: 'b', weight: '0' }, weight: 50 })
    expect(decoded(encoded(draining))).toMatchObject({ instance: { ...instance, ...draining } })
  })

  test('reads back all that it wrote', () => {
    const all = { weight: 0, health: 'failing', zone: 'eu-1a', tags: ['canary'] }
    expect(kratosFormat.decode('orders/orders-1', kratosFormat.encode(request(all)))).toEqual({
      instance: { ...instance, ...all },
      claim: { owner: 'me', claimedAtMs: 5, seq: 2 },
      ttlMs: 10_000,
      registeredAtMs: 4,
    })
    const later = { ...request(), unknownFields: { rack: 7 } }
    expect(kratosFormat.decode('orders/orders-1', kratosFormat.encode(later))).toMatchObject({
      unknownFields: { rack: 7 },
    })
  })

  test.each([
    [{ service: 'a/b' }, 'its service is "a/b"'],
    [{ id: 'a/b' }, 'its id is "a/b"'],
    [{ id: '..' }, 'its id is ".."'],
  ])('refuses %j, which would end up in another key', (more, reason) => {
    expect(kratosFormat.refusal?.({ ...instance, ...more })).toContain(reason)
    expect(kratosFormat.refusal?.(instance)).toBeUndefined()
  })
})
