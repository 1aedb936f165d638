import { RegistryError } from '@sd/core/driver'
import { describe, expect, it } from 'vitest'
import { isCode, ZooKeeperError, type ZooKeeperErrorCode } from '../src/client/zookeeper-error.ts'
import { toRegistryError } from '../src/errors.ts'

describe('toRegistryError', () => {
  it.each<[ZooKeeperErrorCode, string]>([
    ['CONNECTION_LOSS', 'unavailable'],
    ['SESSION_MOVED', 'unavailable'],
    ['THROTTLED_OP', 'unavailable'],
    ['QUOTA_EXCEEDED', 'unavailable'],
    ['OPERATION_TIMEOUT', 'timeout'],
    ['SESSION_EXPIRED', 'session-lost'],
    ['NO_AUTH', 'permission-denied'],
    ['AUTH_FAILED', 'permission-denied'],
    ['BAD_ARGUMENTS', 'invalid-argument'],
    ['TOO_LARGE', 'invalid-argument'],
    ['NO_CHILDREN_FOR_EPHEMERALS', 'invalid-argument'],
    ['UNIMPLEMENTED', 'unsupported'],
    ['NOT_EMPTY', 'internal'],
  ])('%s is %s', (code, wanted) => {
    const cause = new ZooKeeperError(code, { operation: 'create', path: '/services' })
    const error = toRegistryError(cause, 'put', 'orders')
    expect(error).toMatchObject({ code: wanted, backend: 'zookeeper', service: 'orders' })
    expect(error.cause).toMatchObject({ name: 'ZooKeeperError', message: cause.message })
    expect(error.message).toContain(`put orders: create /services: ${code}`)
  })

  it('returns a RegistryError unchanged, and accepts values that are not errors', () => {
    const own = new RegistryError('closed', { backend: 'x', operation: 'list', message: 'x' })
    expect(toRegistryError(own, 'put')).toBe(own)
    expect(toRegistryError('text', 'put')).toMatchObject({ code: 'internal' })
  })

  it.each([
    [
      'h:1: self-signed certificate in certificate chain',
      'invalid-config',
      'tls.ca is the authority',
    ],
    ['h:1: tlsv13 alert certificate required', 'permission-denied', 'check tls.cert and tls.key'],
    ['h:1: it hangs up during the TLS handshake', 'unavailable', 'hangs up'],
  ])('a connection that fails with "%s" is %s', (message, code, advice) => {
    const cause = new ZooKeeperError('CONNECTION_LOSS', { operation: 'connect', message })
    const error = toRegistryError(cause, 'list')
    expect(error).toMatchObject({ code, message: expect.stringContaining(advice) as string })
  })

  it('says what an operator must do', () => {
    const denied = new ZooKeeperError('NO_AUTH', { operation: 'set' })
    expect(toRegistryError(denied, 'put').message).toContain('check username and password')
    expect([isCode(denied, 'NO_NODE', 'NO_AUTH'), isCode(new Error('x'), 'NO_AUTH')]).toEqual([
      true,
      false,
    ])
  })
})
