import { RegistryError } from '@sd/core/driver'
import { describe, expect, it } from 'vitest'
import { Refusal, toRegistryError, wasNeverSent } from '../src/errors.ts'

const coded = (code: string): Error => Object.assign(new Error('failed'), { code })

describe('toRegistryError', () => {
  it.each([
    [new Refusal(400, 'Invalid check'), 'invalid-argument'],
    [new Refusal(401, 'ACL support disabled'), 'permission-denied'],
    [new Refusal(403, 'ACL not found'), 'permission-denied'],
    [new Refusal(429, 'too many'), 'unavailable'],
    [new Refusal(500, 'No cluster leader'), 'unavailable'],
    [new Refusal(301, ''), 'internal'],
    [coded('ECONNREFUSED'), 'unavailable'],
    [coded('ECONNRESET'), 'unavailable'],
    [coded('ENOENT'), 'unavailable'],
    [coded('EACCES'), 'permission-denied'],
    [coded('UND_ERR_SOCKET'), 'unavailable'],
    [coded('UND_ERR_CONNECT_TIMEOUT'), 'unavailable'],
    [coded('UND_ERR_DESTROYED'), 'closed'],
    [coded('HPE_INVALID_CONSTANT'), 'unavailable'],
    [coded('DEPTH_ZERO_SELF_SIGNED_CERT'), 'unavailable'],
    [coded('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'), 'unavailable'],
    [new TypeError('x is not a function'), 'internal'],
  ])('%s is %s', (cause, code) => {
    const error = toRegistryError(cause, 'put', 'orders')
    expect(error).toMatchObject({ code, backend: 'consul', operation: 'put', service: 'orders' })
    expect(error.cause).toMatchObject({ message: cause.message })
  })

  it('returns a RegistryError unchanged, and accepts values that are not errors', () => {
    const own = new RegistryError('closed', { backend: 'consul', operation: 'list', message: 'x' })
    expect(toRegistryError(own, 'put')).toBe(own)
    expect(toRegistryError('text', 'put')).toMatchObject({ code: 'internal' })
  })

  it('recognizes requests that cannot have arrived', () => {
    expect(wasNeverSent(coded('ECONNREFUSED'))).toBe(true)
    expect(wasNeverSent(coded('ECONNRESET'))).toBe(false)
  })
})
