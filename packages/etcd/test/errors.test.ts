import { RegistryError } from '@sd/core/driver'
import { describe, expect, it } from 'vitest'
import { GrpcError, type GrpcStatus } from '../src/client/grpc/grpc-error.ts'
import { isAuthDisabled, isStaleToken, toRegistryError } from '../src/errors.ts'

describe('toRegistryError', () => {
  it.each([
    ['NOT_FOUND: etcdserver: requested lease not found', 'session-lost'],
    ['OUT_OF_RANGE: etcdserver: mvcc: required revision has been compacted', 'cursor-expired'],
    ['OUT_OF_RANGE: etcdserver: mvcc: required revision is a future revision', 'cursor-expired'],
    ['PERMISSION_DENIED: etcdserver: permission denied', 'permission-denied'],
    [
      'INVALID_ARGUMENT: etcdserver: authentication failed, invalid user ID or password',
      'permission-denied',
    ],
    ['INVALID_ARGUMENT: etcdserver: user name is empty', 'permission-denied'],
    ['UNAUTHENTICATED: etcdserver: invalid auth token', 'unavailable'],
    ['INVALID_ARGUMENT: etcdserver: revision of auth store is old', 'unavailable'],
    ['INVALID_ARGUMENT: etcdserver: request is too large', 'invalid-argument'],
    ['INVALID_ARGUMENT: etcdserver: too many operations in txn request', 'invalid-argument'],
    ['INVALID_ARGUMENT: etcdserver: duplicate key given in txn request', 'invalid-argument'],
    ['RESOURCE_EXHAUSTED: etcdserver: mvcc: database space exceeded', 'unavailable'],
    ['CANCELLED: Cancelled on client', 'unavailable'],
    ['INVALID_ARGUMENT: etcdserver: key is not provided', 'invalid-argument'],
    ['DEADLINE_EXCEEDED: Deadline exceeded', 'timeout'],
    ['PERMISSION_DENIED: no', 'permission-denied'],
    ['RESOURCE_EXHAUSTED: etcdserver: too many requests', 'unavailable'],
    ['ABORTED: aborted', 'unavailable'],
    ['UNIMPLEMENTED: unknown service', 'unsupported'],
    ['UNAVAILABLE: etcdserver: no leader', 'unavailable'],
    ['UNAUTHENTICATED: who are you', 'permission-denied'],
    ['UNKNOWN: raft: stopped', 'internal'],
  ])('%s is %s', (message, code) => {
    const [status, details] = message.split(/: (.*)/s) as [GrpcStatus, string]
    const cause = new GrpcError(status, 'http://h:2379', details)
    const error = toRegistryError(cause, 'put', 'orders')
    expect(error).toMatchObject({ code, backend: 'etcd', operation: 'put', service: 'orders' })
    expect(error.cause).toMatchObject({ name: 'GrpcError', message: cause.message })
  })

  it('returns a RegistryError unchanged, and accepts values that are not errors', () => {
    const own = new RegistryError('closed', { backend: 'etcd', operation: 'list', message: 'x' })
    expect(toRegistryError(own, 'put')).toBe(own)
    expect(toRegistryError('text', 'put')).toMatchObject({ code: 'internal' })
    // of a watch that the server cancels, which has no status
    const text = new Error('etcdserver: permission denied')
    expect(toRegistryError(text, 'watch')).toMatchObject({ code: 'permission-denied' })
  })

  it('distinguishes a refused token from a refused user', () => {
    expect(isStaleToken(new Error('etcdserver: invalid auth token'))).toBe(true)
    expect(isStaleToken(new Error('etcdserver: user name is empty'))).toBe(true)
    expect(isStaleToken(new Error('etcdserver: permission denied'))).toBe(false)
    expect(isAuthDisabled(new Error('etcdserver: authentication is not enabled'))).toBe(true)
    expect(isAuthDisabled(new Error('etcdserver: authentication failed'))).toBe(false)
  })
})
