import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { RegistryError } from '@sd/core/driver'
import { Pulse } from '../../src/runtime/pulse.ts'
import { ManualClock } from '../manual-clock.ts'
import { type Outcome, outcomeOf } from '../registration/supervisor-test-bed.ts'
import { failure } from '../scripted-backend.ts'

const subject = { backend: 'scripted', operation: 'renew' }

/** A pulse with a ttl of 600 ms, whose round trips the test answers. */
const createPulse = () => {
  const clock = new ManualClock()
  const stop = new AbortController()
  const sent: {
    readonly resolve: () => void
    readonly reject: (error: unknown) => void
    readonly signal: AbortSignal
  }[] = []
  const answered: number[] = []
  const pulse = new Pulse({
    clock,
    ttlMs: 600,
    subject,
    signal: stop.signal,
    send: (signal) => new Promise((resolve, reject) => sent.push({ resolve, reject, signal })),
    answered: (sentMs) => answered.push(sentMs),
  })
  const attempt = (limitMs?: number): Outcome => outcomeOf(pulse.attempt(limitMs))
  return { clock, stop, sent, answered, pulse, attempt }
}

describe('a pulse', () => {
  test('resolves when it is answered, and reports the time it was sent', async () => {
    const { clock, sent, answered, attempt, pulse } = createPulse()
    await clock.advance(7)
    const first = attempt()
    await clock.advance(30)
    expect(first.ending).toBe('pending')
    sent[0]?.resolve()
    await clock.advance(0)
    expect(first.ending).toBe('resolved')
    expect(answered).toEqual([7])
    expect(pulse.roundTripMs).toBe(30)
    expect(clock.pending).toBe(0)
  })

  test('is missed after ttl/6, naming the call; the next attempt resolves by a late answer to it', async () => {
    const { clock, sent, answered, pulse, attempt } = createPulse()
    const first = pulse.attempt().catch((error: unknown) => error)
    await clock.advance(99)
    await clock.advance(1)
    const missed = await first
    expect(missed).toBeInstanceOf(RegistryError)
    expect(missed).toMatchObject({
      code: 'timeout',
      ...subject,
      message:
        '[timeout] renew: no answer within 100 ms; the backend is unreachable, frozen or slow',
    })
    expect(pulse.roundTripMs).toBe(100)
    const second = attempt()
    await clock.advance(20)
    sent[0]?.resolve()
    await clock.advance(0)
    expect(second.ending).toBe('resolved')
    expect(answered).toEqual([0])
    sent[1]?.resolve()
    await clock.advance(0)
    expect(answered).toEqual([0, 100])
    expect(clock.pending).toBe(0)
  })

  test('waits twice the round trip, at most ttl/3, and no longer than its limit', async () => {
    const { clock, sent, attempt, pulse } = createPulse()
    attempt()
    await clock.advance(80)
    sent[0]?.resolve()
    await clock.advance(0)
    const slow = attempt()
    await clock.advance(159)
    expect(slow.ending).toBe('pending')
    await clock.advance(1)
    expect(slow.ending).toBe('timeout')
    // a miss counts as a round trip of that length
    expect(pulse.roundTripMs).toBe(160)
    const limited = attempt(50)
    await clock.advance(50)
    expect(limited.ending).toBe('timeout')
    expect(pulse.roundTripMs).toBe(160)
  })

  test('forgets a slow round trip step by step', async () => {
    const { clock, sent, attempt, pulse } = createPulse()
    const seen: number[] = []
    for (const tookMs of [50, 5, 5, 90, 1]) {
      attempt()
      await clock.advance(tookMs)
      sent.at(-1)?.resolve()
      await clock.advance(0)
      seen.push(Math.round(pulse.roundTripMs))
    }
    expect(seen).toEqual([50, 40, 32, 90, 72])
  })

  test('rejects at once with its own failure, and not with that of an earlier attempt', async () => {
    const { clock, sent, attempt } = createPulse()
    const first = attempt()
    await clock.advance(100)
    expect(first.ending).toBe('timeout')
    const second = attempt()
    await clock.advance(0)
    sent[0]?.reject(failure('unavailable'))
    await clock.advance(0)
    expect(second.ending).toBe('pending')
    sent[1]?.reject(failure('unavailable'))
    await clock.advance(0)
    expect(second.ending).toBe('unavailable')
    expect(clock.pending).toBe(0)
  })

  test('resolves with its own answer after an earlier attempt has failed late', async () => {
    const { clock, sent, attempt } = createPulse()
    attempt()
    await clock.advance(100)
    const second = attempt()
    await clock.advance(0)
    sent[0]?.reject(failure('unavailable'))
    await clock.advance(0)
    sent[1]?.resolve()
    await clock.advance(0)
    expect(second.ending).toBe('resolved')
    expect(clock.pending).toBe(0)
  })

  test('leaves no listener, whether it is answered or missed', async () => {
    const { clock, stop, sent, attempt } = createPulse()
    attempt()
    await clock.advance(0)
    sent[0]?.resolve()
    await clock.advance(0)
    attempt()
    await clock.advance(200)
    expect(getEventListeners(stop.signal, 'abort')).toEqual([])
  })

  test('rejects with session-lost whichever attempt is told so, and from then on', async () => {
    const { clock, sent, attempt } = createPulse()
    attempt()
    await clock.advance(100)
    const second = attempt()
    await clock.advance(0)
    sent[0]?.reject(failure('session-lost'))
    await clock.advance(0)
    expect(second.ending).toBe('session-lost')
    const third = attempt()
    await clock.advance(0)
    expect(third.ending).toBe('session-lost')
    expect(sent).toHaveLength(2)
  })

  test('keeps a loss that it is told between two attempts', async () => {
    const { clock, sent, attempt } = createPulse()
    attempt()
    await clock.advance(100)
    sent[0]?.reject(failure('session-lost'))
    await clock.advance(0)
    const next = attempt()
    await clock.advance(0)
    expect(next.ending).toBe('session-lost')
  })

  test('gives an attempt up after ttl/3', async () => {
    const { clock, sent, attempt } = createPulse()
    attempt()
    await clock.advance(199)
    expect(sent[0]?.signal.aborted).toBe(false)
    await clock.advance(1)
    expect(sent[0]?.signal.aborted).toBe(true)
    expect(clock.pending).toBe(0)
  })

  test('ends with the reason of its signal, and reports nothing afterwards', async () => {
    const { clock, stop, sent, answered, attempt, pulse } = createPulse()
    const first = attempt()
    await clock.advance(10)
    stop.abort(failure('closed'))
    await clock.advance(0)
    expect(first.ending).toBe('closed')
    sent[0]?.resolve()
    await clock.advance(0)
    expect(answered).toEqual([])
    expect(pulse.roundTripMs).toBe(0)
    const later = attempt()
    await clock.advance(0)
    expect(later.ending).toBe('closed')
    expect(sent).toHaveLength(1)
    expect(clock.pending).toBe(0)
  })
})
