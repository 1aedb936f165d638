import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { RegistryError } from '@sd/core'
import { Reader } from '../../src/watch/reader.ts'
import { ServedView, type Touch, type View } from '../../src/watch/served-view.ts'
import { ManualClock } from '../manual-clock.ts'
import { outcomeOf } from '../registration/supervisor-test-bed.ts'

/** A view of numbers, written by `set`. */
const createSource = ({ synced = true, onUnused = (): unknown => undefined } = {}) => {
  const touched = new Map<string, Touch<number>>()
  let asked = 0
  const view: View<number, string> = {
    apply: () => new Map(touched),
    // equal values need not be identical, and none is missing
    same: (a, b) => Math.floor(a.valueOf()) === Math.floor(b.valueOf()),
    toChange: (told, served) => {
      asked += 1
      return `${told}>${served}`
    },
  }
  const context = {
    clock: new ManualClock(),
    backoff: { minMs: 100, maxMs: 5000 },
    lossProtection: undefined,
    publish: () => {},
  }
  const served = new ServedView(context, view, onUnused)
  const apply = (): void => {
    served.apply({ type: 'changes', records: [], skipped: [], removed: [] })
    touched.clear()
  }
  if (synced) apply()
  return {
    served,
    /** How many changes were made for readers since the last call. */
    made: () => {
      const made = asked
      asked = 0
      return made
    },
    reader: () => new Reader(served, undefined),
    set: (key: string, value: number | undefined) => {
      touched.set(key, value === undefined ? { value, ttlMs: undefined } : { value })
      apply()
    },
  }
}

const cause = new RegistryError('unavailable', { backend: 'x', operation: 'watch', message: 'm' })

describe('Reader', () => {
  test('delivers everything present first, also an empty view', async () => {
    const source = createSource()
    expect(await source.reader().next(undefined)).toEqual({ type: 'sync', changes: [] })
    source.set('a', 1)
    expect(await source.reader().next(undefined)).toEqual({
      type: 'sync',
      changes: ['undefined>1'],
    })
  })

  test('merges the changes since its last read', async () => {
    const source = createSource()
    source.set('a', 1)
    const reader = source.reader()
    await reader.next(undefined)
    source.set('a', 2)
    source.set('b', 1)
    source.set('a', undefined)
    source.set('a', 3)
    source.set('b', 2)
    expect(await reader.next(undefined)).toEqual({
      type: 'change',
      changes: ['1>3', 'undefined>2'],
    })
  })

  test('makes one event for all readers that were told everything before', async () => {
    const source = createSource()
    source.set('a', 1)
    const readers = [source.reader(), source.reader(), source.reader()]
    for (const reader of readers) await reader.next()
    source.made()
    const read = readers.map((reader) => reader.next())
    source.set('a', 2)
    const [first, ...others] = await Promise.all(read)
    expect(first).toEqual({ type: 'change', changes: ['1>2'] })
    for (const event of others) expect(event).toBe(first)
    // so no reader can change what the others read
    expect(Object.isFrozen(first)).toBe(true)
    expect(first?.type === 'change' && Object.isFrozen(first.changes)).toBe(true)
    expect(source.made()).toBe(1)
    // one that has missed a change is told another one
    const late = readers.slice(1).map((reader) => reader.next())
    source.set('a', 3)
    await Promise.all(late)
    source.set('a', 4)
    expect(await readers[0]?.next()).toEqual({ type: 'change', changes: ['2>4'] })
    expect(await readers[1]?.next()).toEqual({ type: 'change', changes: ['3>4'] })
  })

  test('tells a change once, also where a read comes between it and the telling of the readers', async () => {
    const source = createSource()
    source.set('a', 1)
    const reader = source.reader()
    await reader.next()
    source.set('a', 2)
    const late = source.reader()
    const first = [reader.next(), late.next()]
    expect(await Promise.all(first)).toEqual([
      { type: 'change', changes: ['1>2'] },
      { type: 'sync', changes: ['undefined>2'] },
    ])
    const second = [reader.next(), late.next()]
    source.set('b', 1)
    for (const event of await Promise.all(second))
      expect(event).toEqual({ type: 'change', changes: ['undefined>1'] })
  })

  test('delivers nothing for a key that was added and removed, or changed back, between reads', async () => {
    const source = createSource()
    source.set('a', 1)
    const reader = source.reader()
    await reader.next(undefined)
    source.set('b', 1)
    source.set('b', undefined)
    source.set('a', undefined)
    source.set('a', 2)
    source.set('a', 1.5)
    const next = reader.next(undefined)
    source.set('c', 9)
    expect(await next).toEqual({ type: 'change', changes: ['undefined>9'] })
  })

  test('keeps no state for a reader that never reads, however much changes', async () => {
    const source = createSource()
    const reader = source.reader()
    await reader.next(undefined)
    for (let index = 0; index < 1_000; index += 1) {
      source.set(`k${index}`, 1)
      source.set(`k${index}`, undefined)
    }
    source.set('a', 1)
    expect(await reader.next(undefined)).toEqual({ type: 'change', changes: ['undefined>1'] })
  })

  test('is told of a change while the view is stale', async () => {
    const source = createSource()
    source.set('a', 1)
    const reader = source.reader()
    await reader.next()
    source.served.markStale({ since: new Date(), cause })
    expect(await reader.next()).toEqual({ type: 'stale', cause })
    const next = reader.next()
    source.set('a', undefined)
    expect(await next).toEqual({ type: 'change', changes: ['1>undefined'] })
  })

  test('reports staleness once, and its end with a sync', async () => {
    const source = createSource()
    const reader = source.reader()
    await reader.next(undefined)
    source.served.markStale({ since: new Date(), cause })
    expect(await reader.next(undefined)).toEqual({ type: 'stale', cause })
    const next = reader.next(undefined)
    source.served.confirm()
    source.set('a', 1)
    expect(await next).toEqual({ type: 'sync', changes: ['undefined>1'] })
  })

  test('does not report staleness that ended before the read', async () => {
    const source = createSource()
    const reader = source.reader()
    await reader.next(undefined)
    source.served.markStale({ since: new Date(), cause })
    source.served.confirm()
    source.set('a', 1)
    expect(await reader.next(undefined)).toEqual({ type: 'change', changes: ['undefined>1'] })
  })

  test('reports once that nothing can be read yet, then delivers everything present', async () => {
    const source = createSource({ synced: false })
    source.served.markStale({ since: new Date(), cause })
    const reader = source.reader()
    expect(await reader.next(undefined)).toEqual({ type: 'stale', cause })
    const next = reader.next(undefined)
    source.served.confirm()
    source.served.markStale({ since: new Date(), cause })
    source.set('a', 1)
    source.served.confirm()
    expect(await next).toEqual({ type: 'sync', changes: ['undefined>1'] })
    source.set('a', 2)
    expect(await reader.next(undefined)).toEqual({ type: 'change', changes: ['1>2'] })
  })

  test('delivers no sync before anything was read, although the backend answers again', async () => {
    const source = createSource({ synced: false })
    const reader = source.reader()
    source.served.markStale({ since: new Date(), cause })
    await reader.next()
    const next = outcomeOf(reader.next())
    source.served.confirm()
    await new Promise(setImmediate)
    expect(next.ending).toBe('pending')
    reader.close()
  })

  test('waits for the first sync while no attempt has failed', async () => {
    const source = createSource({ synced: false })
    const next = source.reader().next(undefined)
    source.set('a', 1)
    expect(await next).toEqual({ type: 'sync', changes: ['undefined>1'] })
  })

  test('ends with undefined, or with the error that was passed to its end', async () => {
    const source = createSource()
    const [one, two] = [source.reader(), source.reader()]
    await Promise.all([one.next(undefined), two.next(undefined)])
    const pending = one.next(undefined)
    one.close()
    source.served.end(cause)
    source.served.end()
    expect(await pending).toBeUndefined()
    expect(await one.next(undefined)).toBeUndefined()
    await expect(two.next(undefined)).rejects.toBe(cause)
  })
})

describe('the end of a reader', () => {
  test('that begins with an aborted signal has its reason, and is attached no longer', async () => {
    const { served } = createSource()
    const reason = new Error('enough')
    const reader = new Reader(served, AbortSignal.abort(reason))
    await expect(reader.next()).rejects.toBe(reason)
    expect(served.readers).toBe(0)
  })

  test('leaves its view once, however it comes', async () => {
    let unused = 0
    const source = createSource({ onUnused: () => (unused += 1) })
    const stop = new AbortController()
    const reader = new Reader(source.served, stop.signal)
    reader.close()
    reader.close()
    expect(getEventListeners(stop.signal, 'abort')).toEqual([])
    stop.abort(new Error('late'))
    await expect(reader.next()).resolves.toBeUndefined()
    expect(unused).toBe(1)
  })

  test('an aborted signal of next ends only that wait, also where there is an event', async () => {
    const reader = createSource().reader()
    await expect(reader.next({ signal: AbortSignal.abort(new Error('no')) })).rejects.toThrow('no')
    await expect(reader.next()).resolves.toMatchObject({ type: 'sync' })
  })
})
