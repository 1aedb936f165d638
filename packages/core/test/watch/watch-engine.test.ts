import { describe, expect, test } from 'vitest'
import { ttlMs } from '../registration/supervisor-test-bed.ts'
import { failure } from '../scripted-backend.ts'
import { capMs, createEngine, holdMs } from './engine-test-bed.ts'

const four = ['1', '2', '3', '4']
const unavailable = failure('unavailable', 'watch')

describe('an engine whose connection does not answer', () => {
  test('attaches again from its cursor, and is stale meanwhile', async () => {
    const { clock, engine, attached, reader, snapshot } = createEngine()
    await snapshot(...four)
    const cause = failure('timeout', 'probe')
    engine.reattach(cause)
    await clock.advance(0)
    expect(attached[0]?.signal.aborted).toBe(true)
    expect(reader.stale?.cause).toBe(cause)
    expect(engine.state).toEqual({ name: 'waiting', cause })
    await clock.advance(25)
    expect(attached.map(({ cursor }) => cursor)).toEqual([undefined, '7'])
    reader.close()
  })

  test('goes on with an attachment that has delivered nothing yet, which has its own deadline', async () => {
    const { clock, engine, attached, reader, snapshot } = createEngine()
    engine.reattach(unavailable)
    await clock.advance(50)
    expect(attached).toHaveLength(1)
    await snapshot(...four)
    expect(engine.state.name).toBe('live')
    expect(reader.size).toBe(4)
    reader.close()
  })
})

describe('an engine whose attachments fail', () => {
  test('starts with a short pause again once it was live for the longest', async () => {
    for (const [liveMs, pauseMs] of [
      [capMs - 1, 100],
      [capMs, 25],
    ] as const) {
      const { clock, attached, reader, push, snapshot } = createEngine()
      await push(unavailable)
      await clock.advance(25)
      await push(unavailable)
      await clock.advance(50)
      await snapshot(...four)
      await clock.advance(liveMs)
      const failedAtMs = clock.monotonicMs()
      await push(unavailable)
      await clock.advance(capMs)
      expect((attached[3]?.atMs ?? 0) - failedAtMs).toBe(pauseMs)
      reader.close()
    }
  })

  test('wakes a reader that waits, with what the driver threw', async () => {
    const { reader, push, snapshot } = createEngine()
    await snapshot(...four)
    await reader.next()
    const next = reader.next()
    await push(new Error('x'))
    expect(await next).toMatchObject({
      type: 'stale',
      cause: { code: 'internal', backend: 'scripted', operation: 'watch', service: 'a' },
    })
    reader.close()
  })

  test('has no recovery window before anything was read', async () => {
    const { clock, reader, push, snapshot, change } = createEngine()
    await push(unavailable)
    await clock.advance(25)
    await snapshot(...four)
    await change([], four)
    expect(reader.size).toBe(0)
    reader.close()
  })

  test('without loss protection tells at once what is gone after an outage', async () => {
    const { clock, engine, reader, push, snapshot } = createEngine({ isProtected: false })
    await snapshot(...four)
    await push(unavailable)
    await clock.advance(25)
    await snapshot('1')
    expect([reader.size, reader.stale]).toEqual([1, undefined])
    expect([engine.served.held, engine.served.heldCount]).toEqual([[], 0])
    reader.close()
    expect(clock.pending).toBe(0)
  })

  test('warns of what no outage explains, and tells when that is over', async () => {
    const { clock, reader, push, snapshot, told } = createEngine()
    await snapshot(...four)
    await snapshot(...four)
    expect(told()).toEqual(['debug watch-live'])
    // the backend has just answered, so that a denial says nothing about all
    await push(failure('permission-denied', 'watch'))
    await clock.advance(capMs)
    await snapshot(...four)
    expect(told()).toEqual(['warn watch-stale', 'info watch-live'])
    await push(unavailable)
    await clock.advance(capMs)
    await snapshot(...four)
    expect(told()).toEqual(['debug watch-stale', 'debug watch-live'])
    reader.close()
  })
})

describe('an engine whose history is lost', () => {
  const expired = failure('cursor-expired', 'watch')

  test('starts over at once the first time, and is stale and an outage when it is lost again', async () => {
    const { clock, engine, availability, attached, reader, push, snapshot } = createEngine()
    await snapshot(...four)
    await push(expired)
    expect(attached.map(({ atMs, cursor }) => [atMs, cursor])).toEqual([
      [0, undefined],
      [0, undefined],
    ])
    expect(reader.stale).toBeUndefined()
    await snapshot(...four)
    await push(expired)
    expect(engine.state.name).toBe('waiting')
    expect(reader.stale?.cause).toBe(expired)
    expect(availability.state).toBe('unreachable')
    expect(attached).toHaveLength(2)
    await clock.advance(50)
    await snapshot(...four)
    expect([reader.stale, availability.state]).toEqual([undefined, 'answering'])
    reader.close()
  })

  test('protects what it has', async () => {
    const { reader, push, snapshot, heldIds } = createEngine()
    await snapshot(...four)
    await push(expired)
    await snapshot('1')
    expect(heldIds()).toEqual(['2', '3', '4'])
    expect(reader.size).toBe(4)
    reader.close()
  })

  test('that had no cursor has failed like any other', async () => {
    const { engine, reader, push } = createEngine()
    await push(expired)
    expect(engine.state.name).toBe('waiting')
    expect(reader.stale?.cause).toBe(expired)
    reader.close()
  })
})

describe('an engine that holds removals', () => {
  /** Four of six are gone after an outage. */
  const holding = async () => {
    const bed = createEngine()
    await bed.snapshot(...four, '5', '6')
    await bed.push(unavailable)
    await bed.clock.advance(25)
    bed.told()
    await bed.snapshot('5', '6')
    return bed
  }

  test('tells how many, and has them in its counts', async () => {
    const { clock, engine, reader, told } = await holding()
    expect(told()).toEqual(['debug watch-live', 'warn removals-held 4'])
    expect(engine.served.heldCount).toBe(4)
    await clock.advance(holdMs + 50)
    expect([engine.served.heldCount, reader.size]).toEqual([0, 2])
    reader.close()
  })

  test('has one timer, for the first that ends', async () => {
    const { clock, reader, change } = await holding()
    expect(clock.pending).toBe(1)
    await change(['1', '2', '3'])
    await change([], ['1'])
    expect(clock.pending).toBe(1)
    await clock.advance(600)
    expect(reader.size).toBe(5)
    reader.close()
    expect(clock.pending).toBe(0)
  })

  test('ends holds also where a timer fires early', async () => {
    const bed = createEngine()
    const { clock, reader } = bed
    const setTimer = clock.setTimer.bind(clock)
    clock.setTimer = (delayMs, callback) => setTimer(Math.max(1, delayMs - 1), callback)
    await bed.snapshot(...four)
    await bed.push(unavailable)
    await clock.advance(25)
    await bed.snapshot('1')
    expect(reader.size).toBe(4)
    await clock.advance(holdMs + 50)
    expect(reader.size).toBe(1)
    reader.close()
  })

  test('takes updates for no arrivals', async () => {
    const { clock, reader, push, snapshot, change, heldIds } = createEngine()
    await snapshot(...four)
    await push(unavailable)
    await clock.advance(25)
    await change(four, [], 2)
    await change([], ['1', '2', '3'])
    await clock.advance(1_000)
    expect(heldIds()).toEqual(['1', '2', '3'])
    expect(reader.size).toBe(4)
    reader.close()
  })
})

describe('a connection that answers probes after a silence', () => {
  /** Whether what is gone after the second of two answers, `apartMs` apart, is protected. */
  const isProtected = async (roundTripMs: number, apartMs: number): Promise<boolean> => {
    const { clock, engine, reader, snapshot, change } = createEngine()
    await snapshot(...four)
    engine.alive(roundTripMs)
    await clock.advance(apartMs)
    engine.alive(roundTripMs)
    await change([], four)
    const { size } = reader
    reader.close()
    return size === 4
  }

  test('is a sign of trouble after ttl/3 and the round trip', async () => {
    expect(await isProtected(0, ttlMs / 3 - 1)).toBe(false)
    expect(await isProtected(0, ttlMs / 3 + 1)).toBe(true)
    expect(await isProtected(100, ttlMs / 3 + 99)).toBe(false)
    expect(await isProtected(100, ttlMs / 3 + 101)).toBe(true)
  })

  test('protects for the time of a hold, and no longer', async () => {
    const { clock, engine, reader, snapshot, change } = createEngine()
    await snapshot(...four)
    engine.trouble()
    engine.alive(0)
    for (let passedMs = 0; passedMs <= 2_000; passedMs += 200) {
      await clock.advance(200)
      engine.alive(0)
    }
    await change([], four)
    expect(reader.size).toBe(0)
    reader.close()
  })
})

test('an engine that is closed tells the driver why', async () => {
  const { clock, attached, reader } = createEngine()
  await clock.advance(1)
  reader.close()
  expect(attached[0]?.signal.reason).toMatchObject({
    code: 'closed',
    backend: 'scripted',
    operation: 'watch',
    message: '[closed] watch: no reader is left',
  })
})
