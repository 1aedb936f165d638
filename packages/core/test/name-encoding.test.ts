import { decodeName, encodeName } from '@sd/core/driver'
import { describe, expect, test } from 'vitest'

describe('encodeName', () => {
  test.each([
    ['orders', 'orders'],
    ['user-admin', 'user-admin'],
    ['user/admin', 'user%2Fadmin'],
    ['a.b', 'a.b'],
    ['a.b c', 'a.b%20c'],
    ['.', '%2E'],
    ['..', '%2E%2E'],
    ['...', '%2E%2E%2E'],
    ['100%', '100%25'],
    ['a b', 'a%20b'],
    ["!'()*", '%21%27%28%29%2A'],
    ['ü', '%C3%BC'],
    ['\u0000', '%00'],
  ])('writes %j as %s, and back', (name, encoded) => {
    expect(encodeName(name)).toBe(encoded)
    expect(decodeName(encoded)).toBe(name)
  })

  test('encodes any two names differently, each as one path segment', () => {
    const letters = ['a', '/', '%', '.', ' ', 'é', '2', 'F', '🚀']
    const names = letters.flatMap((a) => letters.flatMap((b) => letters.map((c) => a + b + c)))
    const encoded = names.map(encodeName)
    expect(new Set(encoded).size).toBe(names.length)
    expect(encoded.every((segment) => /^[\w.~%-]+$/.test(segment))).toBe(true)
    expect(encoded.map(decodeName)).toEqual(names)
  })

  test.each(['', 'a/b', '%2f', '%41', 'a b', '%', '%zz', '.', '%ff'])(
    'decodes %j to no name',
    (segment) => {
      expect(decodeName(segment)).toBeUndefined()
    },
  )
})
