import { describe, expect, test } from 'vitest'
import { patchInstance, validateInstance } from '../src/model/validate-instance.ts'

const validate = (input: unknown): unknown =>
  validateInstance('register', input as Parameters<typeof validateInstance>[1], () => 'made-id')

const good = { service: 'orders', endpoints: ['http://10.0.0.7:8080'] }

describe('validateInstance', () => {
  test('fills in the defaults and freezes the result', () => {
    const instance = validateInstance('register', good, () => 'made-id')
    expect(instance).toEqual({
      ...good,
      id: 'made-id',
      weight: 100,
      health: 'passing',
      tags: [],
      metadata: {},
    })
    expect(Object.isFrozen(instance)).toBe(true)
    expect(Object.isFrozen(instance.endpoints)).toBe(true)
    expect(Object.isFrozen(instance.metadata)).toBe(true)
  })

  test('copies its input: later changes by the caller have no effect', () => {
    const tags = ['x']
    const instance = validateInstance('register', { ...good, tags }, () => 'i')
    tags.push('y')
    expect(instance.tags).toEqual(['x'])
  })

  test.each(['http://h', 'grpc://10.0.0.7:9090', 'https://[2001:db8::1]:8443/path', 'tcp://h:1'])(
    'accepts the endpoint %s',
    (endpoint) => {
      expect(() => validate({ ...good, endpoints: [endpoint] })).not.toThrow()
    },
  )

  test.each([
    ['a host alone', 'localhost:8080'],
    ['no host', 'http://'],
    ['an empty host', 'grpc://:9090'],
    ['no authority', 'mailto:x@y'],
    ['the IPv4 wildcard', 'http://0.0.0.0:80'],
    ['the IPv4 wildcard, short', 'http://0:80'],
    ['the IPv6 wildcard', 'http://[::]:80'],
    ['the wildcard of an unknown scheme', 'grpc://0.0.0.0:80'],
    ['the long IPv6 wildcard of an unknown scheme', 'grpc://[0:0:0:0:0:0:0:0]:80'],
    ['credentials', 'http://user:secret@h'],
    ['port 0', 'http://h:0'],
    ['a number instead of text', 7],
  ])('refuses an endpoint with %s', (_, endpoint) => {
    expect(() => validate({ ...good, endpoints: [endpoint] })).toThrow(
      expect.objectContaining({ code: 'invalid-argument', service: 'orders' }),
    )
  })

  test.each([
    ['the argument', undefined],
    ['service', { ...good, service: undefined }],
    ['service', { ...good, service: '' }],
    ['service', { ...good, service: '\udc00' }],
    ['id', { ...good, id: 'x'.repeat(256) }],
    ['endpoints', { ...good, endpoints: [] }],
    ['endpoints', { ...good, endpoints: 'http://h' }],
    ['weight', { ...good, weight: 65_536 }],
    ['weight', { ...good, weight: 0.5 }],
    ['weight', { ...good, weight: Number.NaN }],
    ['tags', { ...good, tags: [''] }],
    ['tags', { ...good, tags: 'x' }],
    ['metadata.size is an object; expected a string', { ...good, metadata: { size: {} } }],
    ['a key of metadata', { ...good, metadata: { '\ud800': '' } }],
    ['metadata', { ...good, metadata: [] }],
    ['zone', { ...good, zone: 3 }],
    ['version', { ...good, version: '\ud800' }],
    ['"wieght"', { ...good, wieght: 1 }],
  ])('names %s in the error for %j', (field, input) => {
    expect(() => validate(input)).toThrow(new RegExp(`^\\[invalid-argument\\] register.*${field}`))
  })
})

describe('patchInstance', () => {
  const instance = validateInstance(
    'register',
    { ...good, id: 'a', version: '1', tags: ['x'] },
    () => 'i',
  )

  test('replaces the named fields only', () => {
    expect(patchInstance('update', instance, { weight: 1, version: undefined })).toEqual({
      ...instance,
      weight: 1,
    })
  })

  test('removes version and zone when they are empty', () => {
    expect(patchInstance('update', instance, { version: '' })).not.toHaveProperty('version')
    expect(patchInstance('update', instance, { zone: '' })).not.toHaveProperty('zone')
  })

  test.each([{ service: 'x' }, { id: 'x' }, { wieght: 1 }])('refuses %j', (patch) => {
    expect(() => patchInstance('update', instance, patch as object)).toThrow(/invalid-argument/)
  })
})
