import { describe, expect, test } from 'vitest'
import { RegistryError } from '@sd/core'
import { Reader } from '../../src/watch/reader.ts'
import type { Staleness } from '../../src/watch/watch-event.ts'

class Source {
  synced = true
  stale: Staleness | undefined
  readonly entries = new Map<string, number>()
  readonly readers = new Set<Reader<number, string>>()

  same(a: number, b: number): boolean {
    return a === b
  }

  reader(): Reader<number, string> {
    const reader = new Reader<number, string>(this, (told, served) => `${told}>${served}`)
    this.readers.add(reader)
    return reader
  }

  set(key: string, value: number | undefined): void {
    const before = this.entries.get(key)
    for (const reader of this.readers) reader.changing(key, before, value)
    if (value === undefined) this.entries.delete(key)
    else this.entries.set(key, value)
    for (const reader of this.readers) reader.wake()
  }
}

const cause = new RegistryError('unavailable', { backend: 'x', operation: 'watch', message: 'm' })

describe('Reader', () => {
  test('delivers everything present first, also an empty view', async () => {
    const source = new Source()
    expect(await source.reader().next(undefined)).toEqual({ type: 'sync', changes: [] })
    source.set('a', 1)
    expect(await source.reader().next(undefined)).toEqual({
      type: 'sync',
      changes: ['undefined>1'],
    })
  })

  test('merges the changes since its last read', async () => {
    const source = new Source()
    source.set('a', 1)
    const reader = source.reader()
    await reader.next(undefined)
    source.set('a', 2)
    source.set('b', 1)
    source.set('a', 3)
    expect(await reader.next(undefined)).toEqual({
      type: 'change',
      changes: ['1>3', 'undefined>1'],
    })
  })

  test('delivers nothing for a key that was added and removed, or changed back, between reads', async () => {
    const source = new Source()
    source.set('a', 1)
    const reader = source.reader()
    await reader.next(undefined)
    source.set('b', 1)
    source.set('b', undefined)
    source.set('a', undefined)
    source.set('a', 1)
    const next = reader.next(undefined)
    source.set('c', 9)
    expect(await next).toEqual({ type: 'change', changes: ['undefined>9'] })
  })

  test('keeps no state for a reader that never reads, however much changes', async () => {
    const source = new Source()
    const reader = source.reader()
    await reader.next(undefined)
    for (let index = 0; index < 1_000; index += 1) {
      source.set(`k${index}`, 1)
      source.set(`k${index}`, undefined)
    }
    source.set('a', 1)
    expect(await reader.next(undefined)).toEqual({ type: 'change', changes: ['undefined>1'] })
  })

  test('reports staleness once, and its end with a sync', async () => {
    const source = new Source()
    const reader = source.reader()
    await reader.next(undefined)
    source.stale = { since: new Date(), cause }
    reader.wake()
    expect(await reader.next(undefined)).toEqual({ type: 'stale', cause })
    const next = reader.next(undefined)
    source.stale = undefined
    source.set('a', 1)
    expect(await next).toEqual({ type: 'sync', changes: ['undefined>1'] })
  })

  test('does not report staleness that ended before the read', async () => {
    const source = new Source()
    const reader = source.reader()
    await reader.next(undefined)
    source.stale = { since: new Date(), cause }
    reader.wake()
    source.stale = undefined
    source.set('a', 1)
    expect(await reader.next(undefined)).toEqual({ type: 'change', changes: ['undefined>1'] })
  })

  test('reports once that nothing can be read yet, then delivers everything present', async () => {
    const source = new Source()
    source.synced = false
    source.stale = { since: new Date(), cause }
    const reader = source.reader()
    expect(await reader.next(undefined)).toEqual({ type: 'stale', cause })
    const next = reader.next(undefined)
    reader.wake()
    source.synced = true
    source.stale = undefined
    source.set('a', 1)
    expect(await next).toEqual({ type: 'sync', changes: ['undefined>1'] })
    source.set('a', 2)
    expect(await reader.next(undefined)).toEqual({ type: 'change', changes: ['1>2'] })
  })

  test('waits for the first sync while no attempt has failed', async () => {
    const source = new Source()
    source.synced = false
    const next = source.reader().next(undefined)
    source.synced = true
    source.set('a', 1)
    expect(await next).toEqual({ type: 'sync', changes: ['undefined>1'] })
  })

  test('ends with undefined, or with the error that was passed to its end', async () => {
    const source = new Source()
    const [one, two] = [source.reader(), source.reader()]
    await Promise.all([one.next(undefined), two.next(undefined)])
    const pending = one.next(undefined)
    one.end()
    two.end(cause)
    two.end()
    expect(await pending).toBeUndefined()
    expect(await one.next(undefined)).toBeUndefined()
    await expect(two.next(undefined)).rejects.toBe(cause)
  })
})
