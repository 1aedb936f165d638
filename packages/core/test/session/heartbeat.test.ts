import { describe, expect, test } from 'vitest'
import type { DriverSession, RegistryError } from '@sd/core/driver'
import type { CallContext } from '../../src/driver/call-context.ts'
import { heartbeat, type SessionLoss } from '../../src/session/heartbeat.ts'
import { ManualClock } from '../manual-clock.ts'
import { failure } from '../scripted-backend.ts'

/** Beats of a session with a ttl of 1,200 ms: one every 300 ms; `renew` is the test's. */
const beat = (renew: () => Promise<void>, openedAtMs = 0, more: Partial<DriverSession> = {}) => {
  const clock = new ManualClock()
  const stop = new AbortController()
  const sentMs: number[] = []
  const renewedMs: number[] = []
  const troubles: string[] = []
  const session = {
    grantedTtlMs: 1_200,
    renew: (): Promise<void> => {
      sentMs.push(Math.round(clock.monotonicMs()))
      return renew()
    },
    ...more,
  } as unknown as DriverSession
  const random = { next: () => 0.5, id: () => '' }
  const end: { loss?: SessionLoss; thrown?: unknown; atMs?: number } = {}
  const run = async (): Promise<void> => {
    try {
      end.loss = await heartbeat(
        { clock, random, backend: 'scripted', driver: {} } as unknown as CallContext,
        session,
        openedAtMs,
        {
          renewed: () => renewedMs.push(Math.round(clock.monotonicMs())),
          troubled: ({ code }: RegistryError) => troubles.push(code),
        },
        stop.signal,
      )
    } catch (error) {
      end.thrown = error
    }
    end.atMs = Math.round(clock.monotonicMs())
  }
  void run()
  return { clock, stop, sentMs, renewedMs, troubles, end }
}

const never = (): Promise<void> => new Promise(() => {})

describe('a heartbeat', () => {
  test('is sent every ttl/4, counted from its sending', async () => {
    const bed = beat(async () => {
      await new Promise<void>((resolve) => {
        bed.clock.setTimer(40, resolve)
      })
    })
    await bed.clock.advance(1_000)
    expect(bed.sentMs).toEqual([300, 600, 900])
    expect(bed.renewedMs).toEqual([340, 640, 940])
    expect(bed.troubles).toEqual([])
  })

  test('that takes longer than ttl/4 is followed at once', async () => {
    const bed = beat(async () => {
      await new Promise<void>((resolve) => {
        bed.clock.setTimer(350, resolve)
      })
    })
    await bed.clock.advance(1_300)
    // missed after ttl/6, sent again at once, and answered late
    expect(bed.sentMs.slice(0, 2)).toEqual([300, 500])
    expect(bed.renewedMs[0]).toBe(650)
    expect(bed.end.loss).toBeUndefined()
  })

  test('counts the session as lost a ttl after the sending of the last answered one', async () => {
    let answers = 2
    const bed = beat(() => {
      answers -= 1
      return answers >= 0 ? Promise.resolve() : never()
    })
    await bed.clock.advance(1_799)
    expect(bed.end.loss).toBeUndefined()
    await bed.clock.advance(2)
    expect(bed.end.atMs).toBe(1_800)
    expect(bed.end.loss?.told).toBe(false)
    expect(bed.end.loss?.cause).toMatchObject({
      code: 'session-lost',
      backend: 'scripted',
      operation: 'renew',
      message:
        '[session-lost] renew: no heartbeat was acknowledged for the ttl of 1200 ms, so the backend may have dropped the session',
    })
  })

  test('counts from the opening until the first is answered', async () => {
    const bed = beat(never, -500)
    await bed.clock.advance(699)
    expect(bed.end.loss).toBeUndefined()
    await bed.clock.advance(1)
    expect(bed.end.loss?.told).toBe(false)
    expect(bed.troubles.every((code) => code === 'timeout')).toBe(true)
  })

  test('counts a renewal by another thread while its own could not be sent or answered', async () => {
    let renewedMs = 0
    const bed = beat(never, 0, { renewedMs: () => renewedMs })
    await bed.clock.advance(1_199)
    renewedMs = 1_000
    await bed.clock.advance(1_000)
    expect(bed.end.loss).toBeUndefined()
    await bed.clock.advance(2)
    expect(bed.end).toMatchObject({ loss: { told: false }, atMs: 2_200 })
  })

  test('ends with what the backend says of the session', async () => {
    const lost = failure('session-lost', 'renew')
    const bed = beat(() => Promise.reject(lost))
    await bed.clock.advance(300)
    expect(bed.end.loss).toEqual({ cause: lost, told: true })
    expect(bed.troubles).toEqual([])
  })

  test('that fails at once is repeated with growing pauses up to ttl/24', async () => {
    const bed = beat(() => Promise.reject(failure('unavailable')))
    await bed.clock.advance(500)
    const pauses = bed.sentMs.slice(1).map((atMs, index) => atMs - (bed.sentMs[index] ?? 0))
    expect(pauses.slice(0, 6)).toEqual([5, 10, 20, 25, 25, 25])
    expect(bed.troubles.length).toBe(bed.sentMs.length)
  })

  test('starts with a short pause again after an answer', async () => {
    let fails = 3
    const bed = beat(() => {
      fails -= 1
      return fails >= 0 ? Promise.reject(failure('unavailable')) : Promise.resolve()
    })
    await bed.clock.advance(340)
    fails = 2
    await bed.clock.advance(320)
    const after = bed.sentMs.slice(-3)
    expect((after[1] ?? 0) - (after[0] ?? 0)).toBe(5)
  })

  test('stops with the reason of its signal', async () => {
    const bed = beat(never)
    await bed.clock.advance(310)
    bed.stop.abort('enough')
    await bed.clock.advance(0)
    expect(bed.end).toMatchObject({ thrown: 'enough', atMs: 310 })
    expect(bed.troubles).toEqual([])
    expect(bed.clock.pending).toBe(0)
  })

  test('stops between two beats as well', async () => {
    const bed = beat(() => Promise.resolve())
    await bed.clock.advance(350)
    bed.stop.abort('enough')
    await bed.clock.advance(0)
    expect(bed.end.thrown).toBe('enough')
    expect(bed.clock.pending).toBe(0)
  })
})
