import { decodeName, jsonFormat, toCursor } from '@sd/core/driver'
import { describe, expect, it } from 'vitest'
import { epochKey, KeySpace, prefixEnd, readCursor, writeCursor } from '../src/keys.ts'

describe('prefixEnd', () => {
  it.each([
    ['a/', 'a0'],
    ['a\xff', 'b'],
    ['\xff\xff', '\0'],
  ])('%j ends before %j', (prefix, end) => {
    expect(prefixEnd(Buffer.from(prefix, 'latin1')).toString('latin1')).toBe(end)
  })
})

describe('KeySpace', () => {
  const keys = new KeySpace('/micro/services', jsonFormat)

  it('adds the namespace to keys, and removes it again', () => {
    const stored = keys.absolute('orders/1')
    expect(stored.toString()).toBe('/micro/services/orders/1')
    expect(keys.relative(stored)).toBe('orders/1')
  })

  it('ranges over one service, not over one whose name begins with the same letters', () => {
    const { key, range_end } = keys.range({ service: 'user' })
    const inside = (name: string): boolean => {
      const stored = keys.absolute(name)
      return stored.compare(key) >= 0 && stored.compare(range_end) < 0
    }
    expect(inside('user/1')).toBe(true)
    expect(inside('user-admin/1')).toBe(false)
    expect(inside('user%2Fadmin/1')).toBe(false)
    expect(keys.range({ all: true })).toEqual(keys.range({ services: true }))
  })

  it('stores the epoch under a key that no service can have', () => {
    expect(decodeName(epochKey)).toBeUndefined()
    expect(jsonFormat.serviceOf(epochKey)).toBeUndefined()
  })
})

describe('cursors', () => {
  it('round-trip, also beyond 2^53', () => {
    const position = { epoch: 'abc123', clusterId: '18446744073709551615', revision: 2n ** 62n }
    expect(readCursor(writeCursor(position))).toEqual(position)
  })

  it.each(['', 'a:b:c', 'x:1', ':1:1', 'e:1:-1', 'e:1:1:1'])('%j is not a cursor', (text) => {
    expect(readCursor(toCursor(text))).toBeUndefined()
  })
})
