import { ManualClock } from '@sd/contract-tests/world'
import { describe, expect, it } from 'vitest'
import { nextIndex } from '../src/client/blocking-query.ts'
import { Semaphore } from '../src/client/semaphore.ts'
import { TokenBucket } from '../src/client/token-bucket.ts'
import { LateWrites } from '../src/session/late-writes.ts'

const { signal } = new AbortController()

describe('nextIndex', () => {
  it.each([
    [0n, 7n, 7n],
    [7n, 7n, 7n],
    [7n, 8n, 8n],
    [7n, 6n, 0n],
    [0n, 0n, 1n],
    [7n, 0n, 0n],
    [2n ** 63n, 2n ** 63n + 1n, 2n ** 63n + 1n],
  ])('after index %s, answered with %s, queries with %s', (previous, answered, next) => {
    expect(nextIndex(previous, answered)).toBe(next)
  })
})

describe('TokenBucket', () => {
  it('lets a burst pass and then one at a time', async () => {
    const clock = new ManualClock()
    const bucket = new TokenBucket(clock, 3, 100)
    let taken = 0
    void (async () => {
      for (;;) {
        await bucket.take(signal)
        taken += 1
      }
    })()
    await clock.advance(0)
    expect(taken).toBe(3)
    for (let tick = 0; tick < 10; tick += 1) await clock.advance(100)
    expect(taken).toBe(13)
  })
})

describe('Semaphore', () => {
  it('gives permits in order, and accepts each back only once', async () => {
    const permits = new Semaphore(1, new ManualClock())
    const order: string[] = []
    const first = await permits.acquire(signal)
    const second = permits.acquire(signal).then((release) => (order.push('second'), release))
    const third = permits.acquire(signal).then((release) => (order.push('third'), release))
    first()
    first()
    const release = await second
    expect(order).toEqual(['second'])
    release()
    await third
    expect(order).toEqual(['second', 'third'])
  })

  it('stops waiting in time or on abort, without losing a permit', async () => {
    const clock = new ManualClock()
    const permits = new Semaphore(1, clock)
    const held = await permits.acquire(signal)
    const impatient = permits.acquireWithin(50, signal)
    await clock.advance(50)
    expect(await impatient).toBeUndefined()
    const abort = new AbortController()
    const aborted = permits.acquire(abort.signal)
    const reason = new Error('enough')
    abort.abort(reason)
    await expect(aborted).rejects.toBe(reason)
    held()
    expect(await permits.acquireWithin(50, signal)).toBeTypeOf('function')
  })

  it('gives a permit that was returned with a time only from then on', async () => {
    const clock = new ManualClock()
    const permits = new Semaphore(1, clock)
    const left = await permits.acquire(signal)
    left(100)
    left()
    const early = permits.acquireWithin(50, signal)
    await clock.advance(50)
    expect(await early).toBeUndefined()
    const waiting = permits.acquireWithin(1000, signal)
    await clock.advance(50)
    // the next request finds it, and it goes to the first waiting one
    const next = permits.acquireWithin(1000, signal)
    const release = await waiting
    release?.()
    expect(await next).toBeTypeOf('function')
  })
})

describe('LateWrites', () => {
  const given = (): { late: LateWrites; clock: ManualClock } => {
    const clock = new ManualClock()
    return { late: new LateWrites(clock, 1000), clock }
  }
  const reason = new Error('deadline')

  it('is settled once a write is answered, also after its caller aborted', async () => {
    const { late, clock } = given()
    const abort = new AbortController()
    let answer: (value: string) => void = () => {}
    const write = late.run(() => new Promise<string>((resolve) => (answer = resolve)), abort.signal)
    abort.abort(reason)
    await expect(write).rejects.toBe(reason)
    expect(late.settled).toBe(false)
    answer('written')
    await clock.advance(0)
    expect(late.settled).toBe(true)
  })

  it('starts no write whose signal has already aborted', async () => {
    const { late } = given()
    const write = late.run(() => new Promise<string>(() => {}), AbortSignal.abort(reason))
    await expect(write).rejects.toBe(reason)
    expect(late.settled).toBe(true)
  })

  it('is never settled after a write broke off, unless that was never sent', async () => {
    const { late, clock } = given()
    const refused = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })
    await expect(late.run(() => Promise.reject(refused), signal)).rejects.toBe(refused)
    await clock.advance(0)
    expect(late.settled).toBe(true)
    const abort = new AbortController()
    const hanging = late.run(
      (own) =>
        new Promise((_, reject) =>
          own.addEventListener('abort', () => reject(own.reason as Error)),
        ),
      abort.signal,
    )
    abort.abort(reason)
    await expect(hanging).rejects.toBe(reason)
    await clock.advance(999)
    expect(late.pending).toBe(true)
    await clock.advance(1)
    expect([late.pending, late.settled]).toEqual([false, false])
  })
})
