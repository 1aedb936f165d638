import { expect, test } from 'vitest'
import { goZeroFormat } from '../../src/index.ts'
import { instance, request } from './request.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text)

test('reads what go-zero writes: the bare address at <service>/<lease id>', () => {
  const key = 'orders/8455123461946258964'
  expect(goZeroFormat.serviceOf(key)).toBe('orders')
  expect(goZeroFormat.decode(key, bytes('10.0.0.1:8080'))).toEqual({
    instance: {
      service: 'orders',
      id: '8455123461946258964',
      endpoints: ['grpc://10.0.0.1:8080'],
      weight: 100,
      health: 'passing',
      tags: [],
      metadata: {},
    },
  })
})

test.each(['[::1]:8080', 'orders.internal:80'])('reads the address %s', (address) => {
  expect(goZeroFormat.decode('a/1', bytes(address))).toMatchObject({
    instance: { endpoints: [`grpc://${address}`] },
  })
})

test.each(['', '{"Op":0}', 'no address', '10.0.0.1', 'http://10.0.0.1:80', '10.0.0.1:x', 'a b:80'])(
  'skips %j, which go-zero would take for an address',
  (value) => {
    expect(goZeroFormat.decode('a/1', bytes(value))).toHaveProperty('skipped')
  },
)

test('writes the address of the gRPC endpoint, else of the first one, and nothing else', () => {
  const written = (endpoints: readonly string[]): string =>
    Buffer.from(goZeroFormat.encode(request({ endpoints, weight: 7, tags: ['x'] }))).toString()
  expect(written(instance.endpoints)).toBe('10.0.0.1:9090')
  expect(written(['http://10.0.0.1:8080'])).toBe('10.0.0.1:8080')
  expect(written(['https://api.example', 'grpcs://[::1]:9090/x'])).toBe('[::1]:9090')
})

test('has keys without a namespace, and refuses what it cannot express', () => {
  expect(goZeroFormat.key(instance, '77')).toBe('orders/orders-1')
  expect(goZeroFormat.defaultNamespace).toBe('')
  expect(goZeroFormat.refusal?.(instance)).toBeUndefined()
  expect(goZeroFormat.refusal?.({ ...instance, endpoints: ['grpc://a'] })).toContain(
    'names no port',
  )
  expect(goZeroFormat.refusal?.({ ...instance, service: 'a/b' })).toContain('a/b')
})
