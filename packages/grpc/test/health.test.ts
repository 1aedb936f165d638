import { until } from '@sd/test-servers'
import { describe, expect, test, vi } from 'vitest'
import {
  decodeHealthCheckRequest,
  decodeHealthCheckResponse,
  encodeHealthCheckRequest,
  encodeHealthCheckResponse,
  HealthService,
} from '../src/index.ts'
import { EchoServer } from './support/echo-server.ts'
import { HealthClient } from './support/health-client.ts'

// real servers, on a machine that may be busy
vi.setConfig({ testTimeout: 20_000 })

describe('the messages', () => {
  test.each(['', 'orders', 'ü'.repeat(100), 'x'.repeat(20_000)])(
    'a request for a service of %#',
    (service) => {
      expect(decodeHealthCheckRequest(encodeHealthCheckRequest({ service }))).toEqual({ service })
    },
  )

  test('have the bytes that protoc produces', () => {
    expect(encodeHealthCheckRequest({ service: 'a.B' }).toString('hex')).toBe('0a03612e42')
    const name = 'x'.repeat(300)
    expect(encodeHealthCheckRequest({ service: name }).subarray(0, 3).toString('hex')).toBe(
      '0aac02',
    )
    expect(encodeHealthCheckResponse({ status: 'UNKNOWN' }).toString('hex')).toBe('')
    expect(encodeHealthCheckResponse({ status: 'SERVING' }).toString('hex')).toBe('0801')
    expect(encodeHealthCheckResponse({ status: 'SERVICE_UNKNOWN' }).toString('hex')).toBe('0803')
  })

  test.each([
    ['', 'UNKNOWN'],
    ['0802', 'NOT_SERVING'],
    ['0809', 'UNKNOWN'],
    // unknown fields of every wire type, before and after
    ['1096010801', 'SERVING'],
    ['08011a0161', 'SERVING'],
    ['1900000000000000000801', 'SERVING'],
    ['25000000000801', 'SERVING'],
    ['10ffffffffffffffffff010801', 'SERVING'],
  ])('a response of %s is %s', (hex, status) => {
    expect(decodeHealthCheckResponse(Buffer.from(hex, 'hex'))).toEqual({ status })
  })

  test.each([
    ['08', 'ends within a varint'],
    ['0a05616263', 'a field of 5 bytes begins at byte 2 of 5'],
    ['0b', 'wire type 3'],
    ['10ffffffffffffffffffff01', 'more than ten bytes'],
  ])('%s is refused: %s', (hex, message) => {
    expect(() => decodeHealthCheckRequest(Buffer.from(hex, 'hex'))).toThrow(message)
  })
})

describe('HealthService', () => {
  test('checks and watches the services that are set', async () => {
    const echo = EchoServer.create('a')
    await using _ = echo
    const health = new HealthService(['orders.v1.Orders'])
    health.addTo(echo.server)
    await echo.listen()
    using client = new HealthClient(echo.address)
    expect(await client.check()).toBe('NOT_SERVING')
    expect(await client.check('payments')).toBe(
      'NOT_FOUND: unknown service "payments"; expected "", "orders.v1.Orders"',
    )
    const orders = client.watch('orders.v1.Orders')
    const payments = client.watch('payments')
    await until(
      'both watches receive the status',
      () => orders.told.length + payments.told.length === 2,
    )
    health.set('SERVING')
    health.set('SERVING')
    expect(await client.check('orders.v1.Orders')).toBe('SERVING')
    await until('the change is delivered', () => orders.told.length === 2)
    health.set('NOT_SERVING')
    await until('the next change is delivered', () => orders.told.length === 3)
    payments.cancel()
    await until('a watch that is left is dropped', () => health.watchers === 1)
    health.endWatches()
    await until('the end is delivered', () => orders.told.length === 4)
    expect(orders.told).toEqual(['NOT_SERVING', 'SERVING', 'NOT_SERVING', 'OK'])
    expect(payments.told).toEqual([
      'SERVICE_UNKNOWN',
      'SERVICE_UNKNOWN',
      'SERVICE_UNKNOWN',
      'CANCELLED',
    ])
  })
})
