import { inspect } from 'node:util'
import { driverErrors, RegistryError } from '@sd/core/driver'
import { expect, test } from 'vitest'

const { error, toRegistryError } = driverErrors('shop', (cause) =>
  cause instanceof RangeError
    ? { code: 'invalid-argument', message: 'too large; send less' }
    : { code: 'unavailable' },
)

test('an error that a driver creates names the operation and the service', () => {
  expect(error('closed', 'put', 'the driver is closed', 'orders')).toMatchObject({
    code: 'closed',
    backend: 'shop',
    operation: 'put',
    service: 'orders',
    message: '[closed] put orders: the driver is closed',
  })
})

test('a failure is translated to a RegistryError; a RegistryError passes unchanged', () => {
  expect(toRegistryError(new RangeError('no'), 'put').message).toBe(
    '[invalid-argument] put: too large; send less',
  )
  expect(toRegistryError(new Error('reset'), 'put').message).toBe('[unavailable] put: reset')
  expect(toRegistryError('text', 'put').message).toBe('[unavailable] put: text')
  const own = error('closed', 'put', 'x')
  expect(toRegistryError(own, 'list')).toBe(own)
})

test('a cause keeps name, message, code and its own causes, and no property with sent data', () => {
  const secret = 'swordfish'
  const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', auth: secret })
  const refused = new AggregateError([reset], 'no address answered')
  const cause = Object.assign(new TypeError('failed', { cause: refused }), {
    command: ['AUTH', secret],
    request: { headers: { authorization: secret } },
  })
  const made = toRegistryError(cause, 'put')
  expect(made).toBeInstanceOf(RegistryError)
  expect(inspect(made, { depth: 20, showHidden: true })).not.toContain(secret)
  expect(made.cause).toMatchObject({ name: 'TypeError', message: 'failed', stack: cause.stack })
  const { cause: inner } = made.cause as Error
  expect(inner).toMatchObject({ name: 'AggregateError', message: 'no address answered' })
  expect((inner as AggregateError).errors).toEqual([
    expect.objectContaining({ message: 'read ECONNRESET', code: 'ECONNRESET' }),
  ])
})

test('a copied failure has only what the failure has', () => {
  const { cause } = toRegistryError(new Error('reset'), 'put')
  expect(Object.keys(cause as Error)).toEqual(['name'])
  expect(cause).not.toHaveProperty('cause')
})

test('a list of failures that contains itself ends', () => {
  const cause = new AggregateError([], 'again')
  cause.errors.push(cause)
  cause.cause = cause
  expect(toRegistryError(cause, 'put').code).toBe('unavailable')
})

test('a circular chain of causes ends', () => {
  const cause = new Error('again')
  cause.cause = cause
  expect(toRegistryError(cause, 'put').code).toBe('unavailable')
})

test('without a classification every failure is internal, and anything may be thrown', () => {
  const { toRegistryError: translate } = driverErrors('shop')
  expect(translate(undefined, 'put')).toMatchObject({
    code: 'internal',
    message: '[internal] put: undefined',
    cause: expect.any(Error),
  })
})
