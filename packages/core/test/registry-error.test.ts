import { RegistryError } from '@sd/core'
import { expect, test } from 'vitest'

test('a message says code, operation, service and what to do', () => {
  const error = new RegistryError('conflict', {
    backend: 'etcd',
    operation: 'register',
    service: 'orders',
    message: 'held by another; choose another id',
  })
  expect(String(error)).toBe(
    'RegistryError: [conflict] register orders: held by another; choose another id',
  )
  expect(error).toMatchObject({ code: 'conflict', backend: 'etcd', retryable: false })
})

test('control characters of a service name do not break the line', () => {
  const error = new RegistryError('internal', {
    backend: 'etcd',
    operation: 'list',
    service: 'a\nb',
    message: 'x',
  })
  expect(error.message).toBe('[internal] list a\\nb: x')
})

test('instanceof holds for another installed copy, and for nothing else', () => {
  const foreign = Object.defineProperty(new Error('x'), Symbol.for('@sd/core/RegistryError'), {
    value: true,
  })
  expect(foreign).toBeInstanceOf(RegistryError)
  expect(new Error('x')).not.toBeInstanceOf(RegistryError)
  expect(null).not.toBeInstanceOf(RegistryError)
})

test('from keeps a RegistryError and wraps anything else as internal', () => {
  const subject = { backend: 'etcd', operation: 'list' }
  const known = new RegistryError('timeout', { ...subject, message: 'late' })
  expect(RegistryError.from(known, subject)).toBe(known)
  const cause = new TypeError('boom')
  expect(RegistryError.from(cause, subject)).toMatchObject({
    code: 'internal',
    message: '[internal] list: boom',
    cause,
    retryable: true,
  })
  expect(RegistryError.from('text', subject).message).toBe('[internal] list: text')
})
