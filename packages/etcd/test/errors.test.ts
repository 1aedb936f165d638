import { RegistryError } from '@sd/core/driver'
import { describe, expect, it } from 'vitest'
import { isAuthDisabled, isStaleToken, toRegistryError } from '../src/errors.ts'

describe('toRegistryError', () => {
  it.each([
    ['5 NOT_FOUND: etcdserver: requested lease not found', 'session-lost'],
    [
      'Lease 5 NOT_FOUND: etcdserver: requested lease not found is expired or revoked',
      'session-lost',
    ],
    ['11 OUT_OF_RANGE: etcdserver: mvcc: required revision has been compacted', 'cursor-expired'],
    ['11 OUT_OF_RANGE: etcdserver: mvcc: required revision is a future revision', 'cursor-expired'],
    ['7 PERMISSION_DENIED: etcdserver: permission denied', 'permission-denied'],
    ['etcdserver: permission denied', 'permission-denied'],
    [
      '3 INVALID_ARGUMENT: etcdserver: authentication failed, invalid user ID or password',
      'permission-denied',
    ],
    ['3 INVALID_ARGUMENT: etcdserver: user name is empty', 'permission-denied'],
    ['16 UNAUTHENTICATED: etcdserver: invalid auth token', 'unavailable'],
    ['16 UNAUTHENTICATED: etcdserver: stale auth token', 'unavailable'],
    ['3 INVALID_ARGUMENT: etcdserver: revision of auth store is old', 'unavailable'],
    ['3 INVALID_ARGUMENT: etcdserver: request is too large', 'invalid-argument'],
    ['3 INVALID_ARGUMENT: etcdserver: too many operations in txn request', 'invalid-argument'],
    ['3 INVALID_ARGUMENT: etcdserver: duplicate key given in txn request', 'invalid-argument'],
    ['8 RESOURCE_EXHAUSTED: etcdserver: mvcc: database space exceeded', 'unavailable'],
    ['1 CANCELLED: Cancelled on client', 'unavailable'],
    ['3 INVALID_ARGUMENT: etcdserver: key is not provided', 'invalid-argument'],
    ['4 DEADLINE_EXCEEDED: Deadline exceeded', 'timeout'],
    ['7 PERMISSION_DENIED: no', 'permission-denied'],
    ['8 RESOURCE_EXHAUSTED: etcdserver: too many requests', 'unavailable'],
    ['10 ABORTED: aborted', 'unavailable'],
    ['12 UNIMPLEMENTED: unknown service', 'unsupported'],
    ['14 UNAVAILABLE: etcdserver: no leader', 'unavailable'],
    ['GRPCUnavailableError: 14 UNAVAILABLE: read ECONNRESET', 'unavailable'],
    ['16 UNAUTHENTICATED: who are you', 'permission-denied'],
    ['2 UNKNOWN: raft: stopped', 'internal'],
    ['something else', 'internal'],
  ])('%s is %s', (message, code) => {
    const cause = new Error(message)
    const error = toRegistryError(cause, 'put', 'orders')
    expect(error).toMatchObject({ code, backend: 'etcd', operation: 'put', service: 'orders' })
    expect(error.cause).toMatchObject({ name: 'Error', message })
  })

  it('returns a RegistryError unchanged, and accepts values that are not errors', () => {
    const own = new RegistryError('closed', { backend: 'etcd', operation: 'list', message: 'x' })
    expect(toRegistryError(own, 'put')).toBe(own)
    expect(toRegistryError('text', 'put')).toMatchObject({ code: 'internal' })
  })

  it('leaves out an empty resolution note, in the cause, too', () => {
    const text = '14 UNAVAILABLE: No connection established. Last error: connect ECONNREFUSED'
    const error = toRegistryError(new Error(`${text}. Resolution note: `), 'put')
    expect(error.message).toBe(`[unavailable] put: ${text}`)
    expect((error.cause as Error).message).toBe(text)
  })

  it('distinguishes a refused token from a refused user', () => {
    expect(isStaleToken(new Error('etcdserver: stale auth token'))).toBe(true)
    expect(isStaleToken(new Error('etcdserver: user name is empty'))).toBe(true)
    expect(isStaleToken(new Error('etcdserver: permission denied'))).toBe(false)
    expect(isAuthDisabled(new Error('etcdserver: authentication is not enabled'))).toBe(true)
    expect(isAuthDisabled(new Error('etcdserver: authentication failed'))).toBe(false)
  })
})
