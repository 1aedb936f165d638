import { describe, expect, test } from 'vitest'
import type { RegistryDriver, RegistryError } from '@sd/core/driver'
import type { CallContext } from '../../src/driver/call-context.ts'
import { probeWhile } from '../../src/watch/prober.ts'
import { ManualClock } from '../manual-clock.ts'
import { failure } from '../scripted-backend.ts'

/** Probes with a ttl of 1,200 ms: one every 200 ms; what `answer` returns is the test's. */
const probe = () => {
  const clock = new ManualClock()
  const stop = new AbortController()
  const bed = {
    clock,
    stop,
    answer: (): Promise<void> => Promise.resolve(),
    sentMs: [] as number[],
    alive: [] as number[],
    troubles: [] as number[],
    reattached: [] as RegistryError[],
    ended: false,
  }
  const driver = {
    probe: () => {
      bed.sentMs.push(Math.round(clock.monotonicMs()))
      return bed.answer()
    },
  } as unknown as RegistryDriver
  const random = { next: () => 0.5, id: () => '' }
  const context = { clock, random, driver, backend: 'scripted', ttlMs: 1_200 }
  const probed = {
    alive: (roundTripMs: number) => bed.alive.push(Math.round(roundTripMs)),
    trouble: () => bed.troubles.push(Math.round(clock.monotonicMs())),
    reattach: (cause: RegistryError) => bed.reattached.push(cause),
  }
  const run = async (): Promise<void> => {
    await probeWhile(context as unknown as CallContext, probed, stop.signal)
    bed.ended = true
  }
  void run()
  return bed
}

const never = (): Promise<void> => new Promise(() => {})

describe('a probe', () => {
  test('is sent every ttl/6, counted from its sending, and reports the round trip', async () => {
    const bed = probe()
    bed.answer = () =>
      new Promise((resolve) => {
        bed.clock.setTimer(30, resolve)
      })
    await bed.clock.advance(700)
    expect(bed.sentMs).toEqual([200, 400, 600])
    expect(bed.alive).toEqual([30, 30, 30])
    expect(bed.troubles).toEqual([])
  })

  test('that is refused counts as answered', async () => {
    const bed = probe()
    bed.answer = () => Promise.reject(failure('permission-denied'))
    await bed.clock.advance(650)
    expect(bed.alive).toHaveLength(3)
    expect(bed.troubles).toEqual([])
    expect(bed.reattached).toEqual([])
  })

  test('that fails once is trouble, and is repeated at once', async () => {
    const bed = probe()
    bed.answer = () =>
      bed.sentMs.length === 1 ? Promise.reject(failure('unavailable')) : Promise.resolve()
    await bed.clock.advance(250)
    expect(bed.sentMs).toEqual([200, 200])
    expect(bed.troubles).toEqual([200])
    expect(bed.reattached).toEqual([])
    expect(bed.alive).toHaveLength(1)
  })

  test('that fails again ends the attachments, each time', async () => {
    const bed = probe()
    const cause = failure('unavailable')
    bed.answer = () => Promise.reject(cause)
    await bed.clock.advance(650)
    expect(bed.sentMs).toEqual([200, 200, 400, 600])
    expect(bed.troubles).toEqual([200, 200, 400, 600])
    expect(bed.reattached).toEqual([cause, cause, cause])
  })

  test('counts failures in a row only', async () => {
    const bed = probe()
    bed.answer = () =>
      bed.sentMs.length % 2 === 1 ? Promise.reject(failure('unavailable')) : Promise.resolve()
    await bed.clock.advance(1_050)
    expect(bed.troubles).toEqual([200, 400, 600, 800, 1_000])
    expect(bed.reattached).toEqual([])
  })

  test('that is not answered is missed, with a cause that names it', async () => {
    const bed = probe()
    bed.answer = never
    await bed.clock.advance(401)
    expect(bed.troubles).toEqual([400])
    await bed.clock.advance(400)
    expect(bed.reattached[0]).toMatchObject({
      code: 'timeout',
      backend: 'scripted',
      operation: 'probe',
    })
  })

  test('is sent no more once its signal aborts', async () => {
    for (const atMs of [100, 250]) {
      const bed = probe()
      bed.answer = never
      await bed.clock.advance(atMs)
      const sent = bed.sentMs.length
      bed.stop.abort(failure('closed'))
      await bed.clock.advance(1_000)
      expect(bed.ended).toBe(true)
      expect(bed.sentMs).toHaveLength(sent)
      expect(bed.troubles).toEqual([])
      expect(bed.clock.pending).toBe(0)
    }
  })
})
