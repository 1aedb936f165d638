import { jsonFormat, kratosFormat } from '@sd/core/driver'
import { describe, expect, it } from 'vitest'
import { decodeAll } from '../src/client/kv.ts'
import { goZeroFormat } from '../src/index.ts'
import { KeySpace, prefixEnd } from '../src/keys.ts'

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

  it("begins the keys of Kratos with a slash, as Kratos's own do", () => {
    const stored = new KeySpace('microservices', kratosFormat).absolute('orders/1')
    expect(stored.toString()).toBe('/microservices/orders/1')
  })

  it('ranges over all keys where a format has no namespace, and etcd takes no empty key', () => {
    const root = new KeySpace('', goZeroFormat)
    expect(root.absolute('orders/1').toString()).toBe('orders/1')
    expect(root.range({ all: true })).toEqual({
      key: Buffer.from([0]),
      range_end: Buffer.from([0]),
    })
    expect(root.relative(Buffer.from('orders/1'))).toBe('orders/1')
  })

  it('ignores the keys of other programs where a format has no namespace', () => {
    const stored = ['config', 'orders/1', 'prod/app/settings'].map((key) => ({
      key: Buffer.from(key),
      value: Buffer.from('10.0.0.1:9090'),
    }))
    const root = { keys: new KeySpace('', goZeroFormat), format: goZeroFormat }
    const { records, skipped } = decodeAll(root, stored)
    expect(records.map(({ key }) => key)).toEqual(['orders/1'])
    expect(skipped).toEqual([])
    const within = { keys: new KeySpace('services', jsonFormat), format: jsonFormat }
    const damaged = [{ key: Buffer.from('services/a/b/c'), value: Buffer.from('{}') }]
    expect(decodeAll(within, damaged).skipped).toHaveLength(1)
  })
})
