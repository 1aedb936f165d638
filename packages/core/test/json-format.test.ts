import { decodeRecord, jsonFormat, type PutRequest } from '@sd/core/driver'
import { describe, expect, test } from 'vitest'

const bytes = (value: unknown): Uint8Array =>
  new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value))

const request: PutRequest = {
  instance: {
    service: 'orders',
    id: 'a/1',
    endpoints: ['http://10.0.0.7:8080', 'grpc://10.0.0.7:9090'],
    version: '1.4.0',
    zone: 'eu-1a',
    weight: 7,
    health: 'passing',
    tags: ['canary'],
    metadata: { commit: 'abc' },
  },
  claim: { owner: 'me', claimedAtMs: 5, seq: 2 },
  mode: 'if-newer',
  ttlMs: 10_000,
  registeredAtMs: 4,
}

describe('jsonFormat', () => {
  test('reads back what it wrote', () => {
    const key = jsonFormat.key(request.instance, 'session')
    expect(key).toBe('orders/a%2F1')
    expect(jsonFormat.serviceOf(key)).toBe('orders')
    expect(key.startsWith(jsonFormat.prefix('orders'))).toBe(true)
    expect(jsonFormat.decode(key, jsonFormat.encode(request))).toEqual({
      instance: request.instance,
      claim: request.claim,
      ttlMs: 10_000,
      registeredAtMs: 4,
    })
  })

  test('writes documents that Kratos reads', () => {
    const document = JSON.parse(new TextDecoder().decode(jsonFormat.encode(request))) as object
    expect(document).toMatchObject({
      id: 'a/1',
      name: 'orders',
      version: '1.4.0',
      metadata: { commit: 'abc' },
      endpoints: ['http://10.0.0.7:8080', 'grpc://10.0.0.7:9090'],
    })
  })

  test('reads documents of Kratos: null for empty, the weight in the metadata', () => {
    const kratos = { id: 'a1b2', name: 'user', version: '', metadata: null, endpoints: null }
    expect(jsonFormat.decode('user/a1b2', bytes(kratos))).toEqual({
      instance: {
        service: 'user',
        id: 'a1b2',
        endpoints: [],
        weight: 100,
        health: 'passing',
        tags: [],
        metadata: {},
      },
    })
    const weighted = { ...kratos, metadata: { weight: '30' } }
    expect(jsonFormat.decode('user/a1b2', bytes(weighted))).toMatchObject({
      instance: { weight: 30, metadata: { weight: '30' } },
    })
  })

  test.each(['draining', 'failing'] as const)('keeps that an instance is %s', (health) => {
    const value = jsonFormat.encode({ ...request, instance: { ...request.instance, health } })
    expect(jsonFormat.decode('orders/a%2F1', value)).toMatchObject({ instance: { health } })
  })

  test('writes no health for a passing instance, and reads its absence as passing', () => {
    expect(new TextDecoder().decode(jsonFormat.encode(request))).not.toContain('health')
    for (const health of [undefined, null, ''])
      expect(jsonFormat.decode('s/a', bytes({ id: 'a', name: 's', health }))).toMatchObject({
        instance: { health: 'passing' },
      })
  })

  test('keeps a health that it does not know', () => {
    const document = { id: 'a', name: 's', health: 'warming-up' }
    const decoded = jsonFormat.decode('s/a', bytes(document))
    expect(decoded).toMatchObject({ instance: { health: 'warming-up' } })
    if ('skipped' in decoded) throw new Error(decoded.skipped)
    const written = jsonFormat.encode({ ...request, instance: decoded.instance })
    expect(new TextDecoder().decode(written)).toContain('"health":"warming-up"')
  })

  test('tolerates unknown fields', () => {
    const document = { id: 'a', name: 's', endpoints: ['x:'], future: { deep: [1] } }
    const decoded = jsonFormat.decode('s/a', bytes(document))
    expect(decoded).toMatchObject({
      instance: { id: 'a' },
      unknownFields: { future: { deep: [1] } },
    })
  })

  test('writes the unknown fields of a request, and no known one from among them', () => {
    const unknownFields = { future: 1, weight: 7, id: 'other' }
    const written = jsonFormat.encode({ ...request, unknownFields })
    expect(JSON.parse(new TextDecoder().decode(written))).toMatchObject({
      future: 1,
      weight: request.instance.weight,
      id: request.instance.id,
    })
  })

  test('keeps all unknown fields, and freezes them', () => {
    const text = JSON.stringify({ name: 's', id: 'a', next: 1, later: 2 })
    // as editors of other systems write it, with a byte order mark
    for (const document of [text, `\uFEFF${text}`]) {
      const decoded = jsonFormat.decode('s/a', bytes(document))
      if ('skipped' in decoded) throw new Error(decoded.skipped)
      expect(decoded.unknownFields).toEqual({ next: 1, later: 2 })
      expect(Object.isFrozen(decoded.unknownFields)).toBe(true)
    }
  })

  test('is decoded to a record with all of it, and with nothing that is missing', () => {
    const unknownFields = { next: 1 }
    const { instance, claim, ttlMs, registeredAtMs } = request
    const whole = jsonFormat.encode({ ...request, unknownFields })
    expect(decodeRecord(jsonFormat, 'orders/a%2F1', whole)).toEqual({
      key: 'orders/a%2F1',
      instance,
      claim,
      ttlMs,
      registeredAtMs,
      unknownFields,
    })
    const bare = decodeRecord(jsonFormat, 's/a', bytes({ name: 's', id: 'a' }))
    expect(Object.keys(bare)).toEqual(['key', 'instance'])
  })

  test('names the reason why a record is skipped', () => {
    expect(decodeRecord(jsonFormat, 's/a', bytes(''))).toEqual({
      key: 's/a',
      reason: 'it is empty',
    })
  })

  test.each([
    ['', 'it is empty'],
    ['{"id":', 'JSON'],
    ['null', 'not a JSON object'],
    ['[]', 'not a JSON object'],
    [{ id: 'b', name: 's' }, 'not those of its key'],
    [{ id: 'a', name: 'other' }, 'not those of its key'],
    [{ id: 'a', name: 's', endpoints: 'http://x' }, '"endpoints"'],
    [{ id: 'a', name: 's', metadata: { n: 1 } }, '"metadata"'],
    [{ id: 'a', name: 's', weight: -1 }, '"weight"'],
    [{ id: 'a', name: 's', health: 1 }, '"health"'],
    [{ id: 'a', name: 's', weight: 1.5 }, '"weight"'],
    [{ id: 'a', name: 's', tags: [1] }, '"tags"'],
    [{ id: 'a', name: 's', claim: { owner: 'x' } }, '"claim"'],
    [{ id: 'a', name: 's', schema: 2 }, 'newer'],
  ])('skips %j with a reason', (value, reason) => {
    const decoded = jsonFormat.decode('s/a', bytes(value))
    expect(decoded).toHaveProperty('skipped')
    expect('skipped' in decoded ? decoded.skipped : '').toContain(reason)
  })

  test('skips bytes that are not UTF-8, and keys that encode no name', () => {
    expect(jsonFormat.decode('s/a', Uint8Array.from([0xff, 0xfe]))).toHaveProperty('skipped')
    expect(jsonFormat.decode('s', bytes({ id: 'a', name: 's' }))).toHaveProperty('skipped')
    expect(jsonFormat.serviceOf('no-slash')).toBeUndefined()
    expect(jsonFormat.serviceOf('%zz/a')).toBeUndefined()
    expect(jsonFormat.serviceOf('nested/orders/a')).toBeUndefined()
  })
})
