import { jsonFormat, servicesOf, toCursor } from '@sd/core/driver'
import { expect, test } from 'vitest'
import { readCursor, scopePrefix, writeCursor } from '../src/keys.ts'

test('a cursor encodes a position', () => {
  const position = { epoch: '0123456789abcdef-7', revision: 42 }
  expect(writeCursor(position)).toBe('0123456789abcdef-7:42')
  expect(readCursor(writeCursor(position))).toEqual(position)
})

test.each([
  '',
  '42',
  'x:42',
  '0123456789abcdef-7:',
  '0123456789abcdef-7:-1',
  '0123456789abcdef:1',
  'e:1:1',
])('the foreign cursor %j is refused', (text) => {
  expect(readCursor(toCursor(text))).toBeUndefined()
})

test('a service’s prefix contains no other service', () => {
  expect(scopePrefix(jsonFormat, { service: 'user/a' })).toBe('user%2Fa/')
  expect(scopePrefix(jsonFormat, { all: true })).toBe('')
})

test('keys without a valid service decode to none', () => {
  const present = ['orders/a', 'orders/b', 'users/a', 'a/b/c', 'plain'].map((key) => ({
    key,
    document: undefined,
  }))
  expect(servicesOf(jsonFormat, present)).toEqual(['orders', 'users'])
})
