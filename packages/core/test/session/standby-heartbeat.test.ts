import { describe, expect, test } from 'vitest'
import { standbyHeartbeat } from '../../src/session/standby-heartbeat.ts'
import { ManualClock } from '../manual-clock.ts'
import { failure } from '../scripted-backend.ts'

const ttlMs = 1_200
const maxBlockMs = 3 * ttlMs

/** A session of that ttl, opened at 0, on a manual clock; `renew` is the test's. */
const standBy = (renew: () => Promise<void> = async () => {}, takesSession = false) => {
  const clock = new ManualClock()
  const stop = new AbortController()
  const sentMs: number[] = []
  const troubles: string[] = []
  const times = {
    signOfLifeMs: 0,
    renewedMs: 0,
    renewed: (atMs: number) => {
      times.renewedMs = Math.max(times.renewedMs, atMs)
    },
  }
  let end = 'running'
  standbyHeartbeat({
    clock,
    random: { next: () => 0.5, id: () => '' },
    subject: { backend: 'scripted', operation: 'renew' },
    ttlMs,
    maxBlockMs,
    times,
    renew: () => {
      sentMs.push(Math.round(clock.monotonicMs()))
      return renew()
    },
    takesSession,
    troubled: ({ code }) => troubles.push(code),
    signal: stop.signal,
  }).then(
    () => (end = 'ended'),
    () => (end = 'aborted'),
  )
  /** The loop runs for that long, and renews every ttl/4 itself. */
  const run = async (durationMs: number): Promise<void> => {
    for (let passedMs = 0; passedMs < durationMs; passedMs += ttlMs / 4) {
      times.signOfLifeMs = clock.monotonicMs()
      times.renewed(clock.monotonicMs())
      await clock.advance(ttlMs / 4)
    }
  }
  return { clock, stop, times, sentMs, troubles, run, end: () => end }
}

describe('a standby heartbeat', () => {
  test('opens its connection with one renewal, and sends none while the loop runs', async () => {
    const bed = standBy()
    await bed.run(20 * ttlMs)
    expect(bed.sentMs).toEqual([0])
  })

  test('takes no session from the connection of a loop that runs', async () => {
    const bed = standBy(undefined, true)
    await bed.run(20 * ttlMs)
    expect(bed.sentMs).toEqual([])
    const lastMs = bed.times.signOfLifeMs
    await bed.clock.advance(ttlMs)
    expect(bed.sentMs[0]).toBe(lastMs + ttlMs / 3)
  })

  test('renews a third of a ttl after the last sign of life, and then every ttl/4', async () => {
    const bed = standBy()
    await bed.run(1_200)
    await bed.clock.advance(1_000)
    // the last sign was at 900
    expect(bed.sentMs.slice(1)).toEqual([1_300, 1_600, 1_900, 2_200])
    expect(bed.times.renewedMs).toBe(2_200)
  })

  test('renews for as long as the last sign of life is younger than maxBlockMs', async () => {
    const bed = standBy()
    await bed.clock.advance(10 * maxBlockMs)
    expect(bed.sentMs.at(-1)).toBeGreaterThan(maxBlockMs - ttlMs / 3)
    expect(bed.sentMs.at(-1)).toBeLessThan(maxBlockMs)
  })

  test('stands by again once the loop runs, also after a block that was too long', async () => {
    const bed = standBy()
    await bed.clock.advance(maxBlockMs / 2)
    const first = bed.sentMs.length
    await bed.run(5 * ttlMs)
    expect(bed.sentMs.length).toBe(first)
    await bed.clock.advance(3 * maxBlockMs)
    const second = bed.sentMs.length
    expect(second).toBeGreaterThan(first)
    await bed.run(5 * ttlMs)
    expect(bed.sentMs.length).toBe(second)
    await bed.clock.advance(ttlMs)
    expect(bed.sentMs.length).toBeGreaterThan(second)
  })

  test('renews no session whose ttl has passed since its last acknowledged renewal', async () => {
    let fails = false
    const bed = standBy(async () => {
      if (fails) throw failure('unavailable')
    })
    await bed.run(ttlMs)
    fails = true
    await bed.clock.advance(ttlMs)
    const sent = bed.sentMs.length
    expect(sent).toBeGreaterThan(3)
    fails = false
    await bed.clock.advance(ttlMs)
    expect(bed.sentMs.length).toBe(sent)
  })

  test('reports trouble once it lasts, and again only after a renewal that was acknowledged', async () => {
    let fails = true
    const bed = standBy(async () => {
      if (fails) throw failure('unavailable')
    })
    await bed.clock.advance(ttlMs / 3)
    expect(bed.troubles).toEqual(['unavailable'])
    fails = false
    await bed.clock.advance(ttlMs / 2)
    fails = true
    await bed.clock.advance(ttlMs / 2)
    expect(bed.troubles).toEqual(['unavailable', 'unavailable'])
  })

  test('ends when the backend does not know the session', async () => {
    const bed = standBy(() => Promise.reject(failure('session-lost')))
    await bed.clock.advance(ttlMs)
    expect(bed.sentMs).toEqual([0])
    expect(bed.end()).toBe('ended')
    expect(bed.clock.pending).toBe(0)
  })

  test('is stopped by its signal, and leaves no timer', async () => {
    const bed = standBy()
    await bed.clock.advance(ttlMs)
    bed.stop.abort()
    await bed.clock.advance(0)
    expect(bed.end()).toBe('aborted')
    expect(bed.clock.pending).toBe(0)
  })
})
