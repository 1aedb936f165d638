import { describe, expect, test } from 'vitest'
import {
  type Cursor,
  type InstanceRecord,
  type Observation,
  RegistryError,
  toCursor,
  toRecordKey,
} from '@sd/core/driver'
import {
  capMs,
  createTestBed,
  instance,
  outcomeOf,
  ttlMs,
} from '../registration/supervisor-test-bed.ts'
import { failure } from '../scripted-backend.ts'

const record = (id: string, weight = 1): InstanceRecord => ({
  key: toRecordKey(`a/${id}`),
  instance: { ...instance('a', id), weight, health: 'passing', tags: [], metadata: {} },
  ttlMs,
})

/** A registry whose watches deliver what the test pushes. */
const createFollowed = () => {
  const bed = createTestBed({ random: { next: () => 0.5, id: (length) => 'x'.repeat(length) } })
  const attached: {
    readonly atMs: number
    readonly cursor: Cursor | undefined
    readonly progress: () => void
    returned: boolean
  }[] = []
  let queue: (Observation | Error)[] = []
  let wake = (): void => {}
  bed.backend.observe = (_scope, _signal, cursor, progress) => {
    const attachment = { atMs: bed.clock.monotonicMs(), cursor, progress, returned: false }
    attached.push(attachment)
    const next = async (): Promise<IteratorResult<Observation>> => {
      for (;;) {
        const first = queue.shift()
        if (first instanceof Error) throw first
        if (first !== undefined) return { done: false, value: first }
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    }
    const iterator: AsyncIterableIterator<Observation> = {
      next,
      return: async () => {
        attachment.returned = true
        return { done: true, value: undefined }
      },
      [Symbol.asyncIterator]: () => iterator,
    }
    return iterator
  }
  const push = async (...observations: readonly (Observation | Error)[]): Promise<void> => {
    queue = [...queue, ...observations]
    wake()
    await bed.clock.advance(0)
  }
  return { ...bed, attached, push }
}

const snapshot = (...records: readonly InstanceRecord[]): Observation => ({
  type: 'snapshot',
  records,
  skipped: [],
  cursor: toCursor('7'),
})

describe('a watch', () => {
  test('attaches once for all readers, and ends when the last has left', async () => {
    const { clock, registry, attached, backend } = createFollowed()
    const watchers = [registry.watch('a'), registry.watch('a'), registry.watch('a')]
    await clock.advance(1)
    expect(attached).toHaveLength(1)
    expect(registry.health().watches).toMatchObject([{ readers: 3, state: 'attaching' }])
    watchers[0]?.close()
    watchers[0]?.close()
    watchers[1]?.close()
    expect(registry.health().watches).toMatchObject([{ readers: 1 }])
    expect(attached[0]?.returned).toBe(false)
    watchers[2]?.close()
    await clock.advance(0)
    expect(attached[0]?.returned).toBe(true)
    expect(registry.health().watches).toEqual([])
    expect(clock.pending).toBe(0)
    const probes = backend.count('probe')
    await clock.advance(ttlMs)
    expect(backend.count('probe')).toBe(probes)
    registry.watch('a')
    registry.watch('b')
    await clock.advance(400)
    expect(attached).toHaveLength(3)
    expect(backend.count('probe') - probes).toBe(2)
    await registry.close()
    expect(clock.pending).toBe(0)
  })

  test('resumes from its cursor after a pause that grows, and is stale meanwhile', async () => {
    const { clock, registry, attached, push } = createFollowed()
    const watcher = registry.watch('a')
    await push(snapshot(record('1')))
    expect(await watcher.next()).toMatchObject({ type: 'sync', changes: [{ type: 'added' }] })
    expect(watcher.stale).toBeUndefined()
    const cause = failure('unavailable', 'watch')
    await clock.advance(5)
    await push(cause)
    expect(await watcher.next()).toEqual({ type: 'stale', cause })
    expect(watcher.stale).toEqual({ since: new Date(1_000_005), cause })
    expect(watcher.get('1')?.weight).toBe(1)
    await clock.advance(25)
    await push(failure('unavailable', 'watch'))
    await clock.advance(50)
    await push(failure('unavailable', 'watch'))
    await clock.advance(100)
    expect(attached.map(({ atMs }) => atMs)).toEqual([0, 30, 80, 180])
    expect(attached.map(({ cursor }) => cursor)).toEqual([undefined, '7', '7', '7'])
    expect(watcher.stale?.since).toEqual(new Date(1_000_005))
    await push({ type: 'alive', cursor: toCursor('8') })
    expect(await watcher.next()).toEqual({ type: 'sync', changes: [] })
    expect(watcher.stale).toBeUndefined()
    await push(failure('unavailable', 'watch'))
    await clock.advance(capMs)
    expect(attached.at(-1)?.cursor).toBe('8')
    await registry.close()
  })

  test('starts over at once when its history is lost, and is not stale', async () => {
    const { clock, registry, attached, push } = createFollowed()
    const watcher = registry.watch('a')
    await push(snapshot(record('1'), record('2')))
    await watcher.next()
    await push(failure('cursor-expired', 'watch'))
    expect(attached.map(({ cursor }) => cursor)).toEqual([undefined, undefined])
    expect(watcher.stale).toBeUndefined()
    await push(snapshot(record('1', 9), record('2')))
    expect(await watcher.next()).toMatchObject({
      type: 'change',
      changes: [{ type: 'updated', instance: { id: '1', weight: 9 }, previous: { weight: 1 } }],
    })
    await registry.close()
    expect(clock.pending).toBe(0)
  })

  test('that is refused at first ends its readers; later it is retried', async () => {
    const { clock, registry, attached, push } = createFollowed()
    const refused = registry.watch('a')
    const next = outcomeOf(refused.next())
    await push(failure('permission-denied', 'watch'))
    expect(next.ending).toBe('permission-denied')
    expect(registry.health().watches).toEqual([])
    await clock.advance(2 * capMs)
    expect(attached).toHaveLength(1)
    const watcher = registry.watch('a')
    await push(snapshot(record('1')))
    await push(failure('permission-denied', 'watch'))
    await clock.advance(0.8 * capMs)
    expect(attached).toHaveLength(2)
    await clock.advance(0.1 * capMs)
    expect(attached).toHaveLength(3)
    expect(watcher.size).toBe(1)
    await registry.close()
  })

  test('that stays stale has what only a person can mend as its cause, once that is known', async () => {
    const { clock, registry, push } = createFollowed()
    const watcher = registry.watch('a')
    await push(snapshot(record('1')))
    const causes = ['unavailable', 'timeout', 'permission-denied', 'unavailable'] as const
    const seen: unknown[] = []
    for (const code of causes) {
      await push(failure(code, 'watch'))
      seen.push([watcher.stale?.cause.code, watcher.stale?.since.getTime()])
      await clock.advance(capMs)
    }
    expect(seen).toEqual([
      ['unavailable', 1_000_000],
      ['unavailable', 1_000_000],
      ['permission-denied', 1_000_000],
      ['permission-denied', 1_000_000],
    ])
    await registry.close()
  })

  test('must deliver something within two calls, counted from its last progress', async () => {
    const { clock, registry, attached } = createFollowed()
    const watcher = registry.watch('a')
    await clock.advance(590)
    attached[0]?.progress()
    await clock.advance(599)
    expect(attached).toHaveLength(1)
    await clock.advance(1)
    expect(attached[0]?.returned).toBe(true)
    expect(watcher.stale?.cause).toMatchObject({
      code: 'timeout',
      backend: 'scripted',
      operation: 'watch',
      message:
        '[timeout] watch: no answer within 600 ms; the backend is unreachable, frozen or slow',
    })
    await clock.advance(25)
    expect(attached).toHaveLength(2)
    await registry.close()
    attached[1]?.progress()
    expect(clock.pending).toBe(0)
  })

  test('that was refused takes no other watch of its service along when its watcher is closed', async () => {
    const { registry, push } = createFollowed()
    const refused = registry.watch('a')
    const ended = outcomeOf(refused.next())
    await push(failure('permission-denied', 'watch'))
    expect(ended.ending).toBe('permission-denied')
    const watcher = registry.watch('a')
    await push(snapshot(record('1')))
    refused.close()
    expect(registry.health().watches).toMatchObject([{ readers: 1, state: 'live' }])
    await registry.close()
    await expect(watcher.next()).resolves.toBeUndefined()
  })

  test('attaches again when two probes in a row fail, and is probed while any watch is left', async () => {
    const { clock, registry, attached, backend, push } = createFollowed()
    const watcher = registry.watch('a')
    await push(snapshot(record('1')))
    const other = registry.watch('b')
    await clock.advance(1)
    other.close()
    const before = backend.count('probe')
    await clock.advance(ttlMs)
    expect(backend.count('probe') - before).toBe(6)
    backend.before = () => {
      throw failure('unavailable', 'probe')
    }
    await clock.advance(0.2 * ttlMs)
    expect(watcher.stale?.cause).toMatchObject({ code: 'unavailable', operation: 'probe' })
    expect(attached.at(-1)?.cursor).toBe('7')
    await registry.close()
  })

  test('of everything is none of a service, whatever its name', async () => {
    const { clock, registry, attached } = createFollowed()
    for (const name of ['undefined', 'all', 'services']) registry.watch(name)
    registry.watchAll()
    registry.watchServices()
    await clock.advance(1)
    expect(attached).toHaveLength(5)
    await registry.close()
  })

  test('delivers one frozen change to all readers', async () => {
    const { registry, push } = createFollowed()
    const readers = [registry.watch('a'), registry.watch('a')]
    await push(snapshot())
    for (const reader of readers) await reader.next()
    const read = readers.map((reader) => reader.next())
    await push({ type: 'changes', records: [record('1')], removed: [], skipped: [] })
    const [first, second] = await Promise.all(read)
    expect(second).toBe(first)
    const { changes } = first as Extract<typeof first, { type: 'change' }>
    expect(changes).toMatchObject([{ type: 'added', instance: { id: '1' } }])
    for (const part of [first, changes, changes[0]]) expect(Object.isFrozen(part)).toBe(true)
  })

  test('shares one frozen list of instances until it changes', async () => {
    const { registry, push } = createFollowed()
    const watcher = registry.watch('a')
    await push(snapshot(record('1')))
    const before = watcher.instances
    expect(watcher.instances).toBe(before)
    expect(Object.isFrozen(before)).toBe(true)
    await push({ type: 'changes', records: [record('1')], removed: [], skipped: [] })
    expect(watcher.instances).toBe(before)
    await push({ type: 'changes', records: [record('2')], removed: [], skipped: [] })
    expect(watcher.instances.map(({ id }) => id)).toEqual(['1', '2'])
    await push({ type: 'changes', records: [], removed: [toRecordKey('a/1')], skipped: [] })
    expect(watcher.instances.map(({ id }) => id)).toEqual(['2'])
    expect(watcher.get('1')).toBeUndefined()
    expect(watcher.record('2')).toEqual(record('2'))
    expect(watcher.record('1')).toBeUndefined()
    await registry.close()
  })
})

describe('a watcher', () => {
  test('ends with the reason of its signal, and closes its watch', async () => {
    const { clock, registry } = createFollowed()
    const aborter = new AbortController()
    const watcher = registry.watch('a', { signal: aborter.signal })
    const next = outcomeOf(watcher.next())
    await clock.advance(1)
    aborter.abort('enough')
    await clock.advance(0)
    expect(next.ending).toBe('enough')
    expect(registry.health().watches).toEqual([])
    await expect(watcher.next()).rejects.toBe('enough')
  })

  test('ends its iteration with close, with the registry, and with await using', async () => {
    const { clock, registry } = createFollowed()
    const read = async (watcher: AsyncIterable<unknown>): Promise<void> => {
      for await (const event of watcher) void event
    }
    const first = registry.watch('a')
    const reading = outcomeOf(read(first))
    await clock.advance(1)
    first.close()
    await clock.advance(0)
    expect(reading.ending).toBe('resolved')
    {
      await using second = registry.watchAll()
      expect(second.size).toBe(0)
    }
    expect(registry.health().watches).toEqual([])
    const third = outcomeOf(read(registry.watchServices()))
    await registry.close()
    await clock.advance(0)
    expect(third.ending).toBe('resolved')
    expect(() => registry.watch('a')).toThrow(RegistryError)
  })

  test('of services and of all instances has what the backend has', async () => {
    const { registry, push } = createFollowed()
    const services = registry.watchServices()
    await push({ type: 'snapshot', records: [], skipped: [], services: ['a', 'b'] })
    expect([services.services, services.has('a'), services.has('c'), services.held]).toEqual([
      ['a', 'b'],
      true,
      false,
      [],
    ])
    services.close()
    const all = registry.watchAll()
    await push(snapshot(record('1')))
    expect(all.instances).toEqual([record('1').instance])
    expect([
      all.get('a', '1')?.id,
      all.get('b', '1'),
      all.record('a', '1')?.ttlMs,
      all.held,
    ]).toEqual(['1', undefined, ttlMs, []])
    await registry.close()
  })
})
