import { Exception } from 'node-zookeeper-client'
import { describe, expect, test } from 'vitest'
import { errorCodeOf } from '../../src/client/error-codes.ts'
import { ZooKeeperError } from '../../src/client/zookeeper-error.ts'

describe('errorCodeOf', () => {
  test('has the names of the library where it has one', () => {
    const names = ['NO_NODE', 'NODE_EXISTS', 'BAD_VERSION', 'NOT_EMPTY', 'NO_AUTH'] as const
    for (const name of [...names, 'CONNECTION_LOSS', 'SESSION_EXPIRED', 'AUTH_FAILED'] as const)
      expect(errorCodeOf(Exception[name])).toBe(name)
  })

  test('knows newer codes, and treats unknown ones as a system error', () => {
    expect([-118, -125, -127, -124].map(errorCodeOf)).toEqual([
      'SESSION_MOVED',
      'QUOTA_EXCEEDED',
      'THROTTLED_OP',
      'AUTH_FAILED',
    ])
    expect(errorCodeOf(-9999)).toBe('SYSTEM_ERROR')
  })
})

describe('ZooKeeperError', () => {
  test('reports what was attempted, on what, and what went wrong', () => {
    const cause = new Error('x')
    const error = new ZooKeeperError('NO_NODE', { operation: 'get', path: '/a', cause })
    expect(String(error)).toBe('ZooKeeperError: get /a: NO_NODE')
    expect(error).toMatchObject({ code: 'NO_NODE', operation: 'get', path: '/a', cause })
    const other = new ZooKeeperError('TOO_LARGE', { operation: 'multi', message: 'a reason' })
    expect(other.message).toBe('multi: TOO_LARGE, a reason')
  })
})
