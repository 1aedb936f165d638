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

test('control characters of a service name are escaped in the message', () => {
  const error = new RegistryError('internal', {
    backend: 'etcd',
    operation: 'list',
    service: 'a\nb',
    message: 'x',
  })
  expect(error.message).toBe('[internal] list a\\nb: x')
})

test('instanceof accepts errors of another installed copy, and nothing else', () => {
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

test('JSON contains the whole chain of causes, by name, code and message', () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED 10.0.0.7:2379'), {
    code: 'ECONNREFUSED',
  })
  const error = new RegistryError('unavailable', {
    backend: 'etcd',
    operation: 'list',
    service: 'orders',
    message: 'no member answers',
    cause: new AggregateError([refused]),
  })
  expect(JSON.parse(JSON.stringify({ error }))).toEqual({
    error: {
      name: 'RegistryError',
      code: 'unavailable',
      message: '[unavailable] list orders: no member answers',
      backend: 'etcd',
      operation: 'list',
      service: 'orders',
      retryable: true,
      cause: {
        name: 'AggregateError',
        message: '',
        cause: {
          name: 'Error',
          code: 'ECONNREFUSED',
          message: 'connect ECONNREFUSED 10.0.0.7:2379',
        },
      },
    },
  })
})

test('JSON has codes that are texts or numbers only', () => {
  const codeOf = (code: unknown): unknown =>
    new RegistryError('unavailable', {
      backend: 'etcd',
      operation: 'list',
      message: 'x',
      cause: Object.assign(new Error('y'), { code }),
    }).toJSON().cause?.code
  expect(['ECONNRESET', 14, { secret: 1 }].map(codeOf)).toEqual(['ECONNRESET', 14, undefined])
})

test('JSON of a circular chain of causes ends', () => {
  const cause = new Error('again')
  cause.cause = cause
  const error = new RegistryError('internal', {
    backend: 'etcd',
    operation: 'list',
    message: 'x',
    cause,
  })
  expect(JSON.stringify(error).match(/again/g)).toHaveLength(8)
})

test('JSON contains a cause that is not an error', () => {
  const error = RegistryError.from('text', { backend: 'etcd', operation: 'list' })
  expect(error.toJSON().cause).toEqual({ name: 'string', message: 'text' })
})
