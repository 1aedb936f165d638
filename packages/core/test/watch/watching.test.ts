import { describe, expect, test } from 'vitest'
import {
  type Cursor,
  type InstanceRecord,
  type Observation,
  type PutRequest,
  sleep,
  toCursor,
  toRecordKey,
} from '@sd/core/driver'
import { failure, type ScriptedBackend } from '../scripted-backend.ts'
import {
  capMs,
  createTestBed,
  instance,
  outcomeOf,
  ttlMs,
} from '../registration/supervisor-test-bed.ts'

const record = (service: string, id: string, ttl = ttlMs): InstanceRecord => ({
  key: toRecordKey(`${service}/${id}`),
  instance: {
    ...instance(service, id),
    weight: 1,
    health: 'passing',
    tags: ['t'],
    metadata: { k: 'v' },
  },
  claim: { owner: 'o', claimedAtMs: 1, seq: 0 },
  ttlMs: ttl,
})

const request = (service: string, id: string): PutRequest => ({
  ...record(service, id),
  claim: { owner: 'o', claimedAtMs: 1, seq: 0 },
  mode: 'if-newer',
  ttlMs,
  registeredAtMs: 0,
})

/** Makes observations of `backend` deliver what the test pushes; an error ends the stream. */
const pushed = (backend: ScriptedBackend) => {
  const queue: (Observation | Error)[] = []
  let wake = (): void => {}
  backend.observe = async function* () {
    for (;;) {
      while (queue.length > 0) {
        const next = queue.shift()
        if (next instanceof Error) throw next
        if (next !== undefined) yield next
      }
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
  return (observation: Observation | Error): void => {
    queue.push(observation)
    wake()
  }
}

const snapshot = (...records: readonly InstanceRecord[]): Observation => ({
  type: 'snapshot',
  records,
  skipped: [],
  cursor: toCursor('1'),
})

describe('a watch', () => {
  test('keeps instances apart whose names differ only in the position of NUL', async () => {
    const { clock, backend, registry } = createTestBed()
    backend.write(request('x\0y', 'z'))
    backend.write(request('x', 'y\0z'))
    const watcher = registry.watchAll()
    await clock.advance(1)
    expect(watcher.size).toBe(2)
    expect(watcher.get('x', 'y\0z')?.id).toBe('y\0z')
    const first = registry.register(instance('a\0b', 'c'))
    const second = registry.register(instance('a', 'b\0c'))
    await clock.advance(10)
    expect((await first).status.state).toBe('registered')
    expect((await second).status.state).toBe('registered')
  })

  test('delivers frozen values, which a reader cannot change for the others', async () => {
    const { clock, backend, registry } = createTestBed()
    backend.write(request('a', '1'))
    const watcher = registry.watch('a')
    await clock.advance(1)
    const [listed] = await registry.list('a')
    for (const one of [watcher.get('1'), watcher.record('1')?.instance, listed])
      for (const part of [one, one?.endpoints, one?.tags, one?.metadata])
        expect(Object.isFrozen(part)).toBe(true)
  })

  test('leaves no timer behind when observe throws', async () => {
    const { clock, backend, registry } = createTestBed()
    backend.observe = () => {
      throw failure('unavailable')
    }
    const watcher = registry.watch('a')
    await clock.advance(500)
    watcher.close()
    await clock.advance(1)
    expect(clock.pending).toBe(0)
  })

  test('holds a removed instance no longer than maxHoldMs, whatever ttl its record has', async () => {
    const { clock, backend, registry } = createTestBed({ lossProtection: { maxHoldMs: 6_000 } })
    const push = pushed(backend)
    const watcher = registry.watch('a')
    push(snapshot(...['1', '2', '3'].map((id) => record('a', id, 1e15))))
    await clock.advance(1)
    push(failure('unavailable'))
    await clock.advance(ttlMs)
    push(snapshot())
    await clock.advance(10)
    expect(watcher.held).toEqual(['1', '2', '3'])
    await clock.advance(5_900)
    expect(watcher.size).toBe(3)
    await clock.advance(200)
    expect(watcher.size).toBe(0)
    watcher.close()
  })

  test('resumes from its cursor', async () => {
    const { clock, backend, registry } = createTestBed()
    const cursors: (Cursor | undefined)[] = []
    backend.observe = async function* (_scope, _signal, cursor) {
      cursors.push(cursor)
      yield cursor === undefined ? snapshot(record('a', '1')) : { type: 'alive' }
      await sleep(clock, 50, new AbortController().signal)
      throw failure('unavailable')
    }
    const watcher = registry.watch('a')
    await clock.advance(1_000)
    expect(cursors.length).toBeGreaterThan(2)
    expect(new Set(cursors.slice(1))).toEqual(new Set(['1']))
    watcher.close()
  })

  test('that is refused at first ends, and one that is refused later is retried near the cap', async () => {
    const { clock, backend, registry } = createTestBed()
    const attachedMs: number[] = []
    let refused = true
    backend.observe = async function* () {
      attachedMs.push(clock.monotonicMs())
      if (refused) throw failure('permission-denied')
      yield snapshot(record('a', '1'))
      throw failure('permission-denied')
    }
    await expect(registry.watch('a').next()).rejects.toMatchObject({ code: 'permission-denied' })
    await clock.advance(10 * capMs)
    expect(attachedMs).toHaveLength(1)
    refused = false
    const watcher = registry.watch('a')
    await clock.advance(10 * capMs)
    const gaps = attachedMs.slice(2).map((atMs, index) => atMs - (attachedMs[index + 1] ?? 0))
    expect(gaps.length).toBeGreaterThan(8)
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(0.75 * capMs)
    expect(new Set(gaps).size).toBeGreaterThan(1)
    watcher.close()
  })

  test('calls return on the stream that it leaves, and aborts its signal', async () => {
    const { clock, backend, registry } = createTestBed()
    const left: string[] = []
    backend.observe = (_scope, signal) => {
      signal.addEventListener('abort', () => left.push('aborted'), { once: true })
      return {
        [Symbol.asyncIterator]: () => ({
          next: () => new Promise(() => {}),
          return: async () => {
            left.push('returned')
            return { done: true, value: undefined }
          },
        }),
      }
    }
    const watcher = registry.watch('a')
    await clock.advance(1)
    watcher.close()
    await clock.advance(1)
    expect(left).toEqual(['aborted', 'returned'])
  })

  test('aborts the signal of a stream that failed by itself', async () => {
    // attaches again only after half of the first pause
    const { clock, backend, registry } = createTestBed({
      random: { next: () => 0.5, id: (length) => 'x'.repeat(length) },
    })
    const signals: AbortSignal[] = []
    backend.observe = async function* (_scope, signal) {
      signals.push(signal)
      yield snapshot(record('a', '1'))
      throw failure('unavailable')
    }
    const watcher = registry.watch('a')
    await clock.advance(1)
    expect(signals).toHaveLength(1)
    expect(signals[0]?.aborted).toBe(true)
    watcher.close()
  })

  test('keeps attaching while parts arrive, and gives up after silence', async () => {
    const { clock, backend, registry } = createTestBed()
    let attached = 0
    backend.observe = async function* (_scope, signal, _cursor, progress) {
      attached += 1
      for (let part = 0; part < 10; part += 1) {
        await sleep(clock, 500, signal)
        progress()
      }
      yield snapshot(record('a', '1'))
      await new Promise(() => {})
    }
    const watcher = registry.watch('a')
    await clock.advance(5_001)
    expect(watcher.size).toBe(1)
    expect(attached).toBe(1)
    watcher.close()
    backend.observe = async function* (_scope, signal) {
      attached += 1
      await sleep(clock, 5_000, signal)
      yield snapshot()
    }
    const silent = registry.watch('a')
    await clock.advance(5_000)
    expect(silent.stale?.cause.code).toBe('timeout')
    expect(attached).toBeGreaterThan(3)
    silent.close()
  })
})

describe('a list', () => {
  test('continues while parts arrive, and gives up after silence', async () => {
    const { clock, backend, registry } = createTestBed()
    backend.write(request('a', '1'))
    backend.reading = async (signal, progress) => {
      for (let part = 0; part < 10; part += 1) {
        await sleep(clock, 100, signal)
        progress()
      }
    }
    const long = outcomeOf(registry.list('a'))
    await clock.advance(1_001)
    expect(long.ending).toBe('resolved')
    backend.reading = (signal) => sleep(clock, 1_000, signal)
    const silent = outcomeOf(registry.list('a'))
    await clock.advance(301)
    expect(silent.ending).toBe('timeout')
  })
})

describe('a slow link', () => {
  /** The round trip of `d22`: every call is answered, none within ttl/6. */
  const roundTripMs = 0.22 * ttlMs

  test('neither loses the session nor makes a watch stale', async () => {
    const events: string[] = []
    const note = (details: object): void =>
      void events.push('event' in details ? String(details.event) : '')
    const { clock, backend, registry } = createTestBed({
      logger: { debug: note, info: note, warn: note, error: note },
    })
    backend.before = () => sleep(clock, roundTripMs, new AbortController().signal)
    void registry.register(instance('a', '1'))
    const watcher = registry.watch('a')
    await clock.advance(20 * ttlMs)
    expect(backend.count('open-session')).toBe(1)
    expect(events).not.toContain('watch-stale')
    expect(registry.health().ok).toBe(true)
    expect(registry.health().session.cause).toBeUndefined()
    watcher.close()
  })

  test('counts a heartbeat that is answered late from its send time', async () => {
    const { clock, backend, registry } = createTestBed()
    void registry.register(instance('a', '1'))
    await clock.advance(10)
    let beats = 0
    let sentMs = 0
    backend.before = async ({ operation, atMs }) => {
      if (operation !== 'renew') return
      beats += 1
      if (beats > 1) await new Promise(() => {})
      sentMs = atMs
      await sleep(clock, 0.3 * ttlMs, new AbortController().signal)
    }
    const lostAtMs = async (): Promise<number> => {
      while (backend.count('open-session') === 1) await clock.advance(5)
      return clock.monotonicMs()
    }
    const afterMs = (await lostAtMs()) - sentMs
    expect(afterMs).toBeGreaterThanOrEqual(ttlMs)
    expect(afterMs).toBeLessThan(1.1 * ttlMs)
  })
})
