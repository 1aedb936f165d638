import { describe, expect, test } from 'vitest'
import { toCursor } from '@sd/core/driver'
import { failure } from '../scripted-backend.ts'
import { capMs, createTestBed, instance, outcomeOf, ttlMs } from './supervisor-test-bed.ts'

/** Far more than any backoff allows in ten caps. */
const many = 60

describe('a repeated operation', () => {
  test('backs off when every write loses its session, and closes what it opened', async () => {
    const { clock, backend, registry } = createTestBed()
    backend.before = ({ operation }) => {
      if (operation === 'put') throw failure('session-lost')
      if (backend.calls.length > 10 * many) throw new Error('calls repeat without a pause')
    }
    void registry.register(instance('a', '1')).catch(() => {})
    await clock.advance(10 * capMs)
    expect(backend.count('open-session')).toBeGreaterThan(3)
    expect(backend.count('open-session')).toBeLessThan(many)
    const opened = backend.count('open-session')
    await clock.advance(10 * ttlMs)
    expect(backend.sessions.size).toBeLessThan(opened)
  })

  test('backs off when each removal needs a new session, as the answers of all writes are lost', async () => {
    const { clock, backend, registry } = createTestBed()
    let lossy = true
    backend.before = ({ operation }) => {
      if (operation === 'put' && lossy) throw failure('timeout')
    }
    const leaving: { ending: string }[] = []
    for (let round = 0; round < 20 * many; round += 1) {
      const pending = registry.register(instance('a', String(round % 7)), { waitFor: 'accepted' })
      await clock.advance((20 * capMs) / (20 * many))
      leaving.push(outcomeOf((await pending).deregister()))
    }
    // full jitter: half a cap for each on average
    expect(backend.count('open-session')).toBeGreaterThan(3)
    expect(backend.count('open-session')).toBeLessThan(2 * many)
    lossy = false
    await clock.advance(4 * ttlMs)
    expect(leaving.filter(({ ending }) => ending !== 'resolved')).toEqual([])
    const opened = backend.count('open-session')
    await clock.advance(4 * ttlMs)
    expect(backend.count('open-session')).toBe(opened)
  })

  test('backs off when a history expires after each snapshot', async () => {
    const { clock, backend, registry } = createTestBed()
    let attached = 0
    backend.observe = async function* () {
      attached += 1
      if (attached > many) throw failure('unavailable')
      yield { type: 'snapshot', records: [], skipped: [], cursor: toCursor('1') }
      throw failure('cursor-expired')
    }
    registry.watch('a')
    await clock.advance(5 * capMs)
    expect(attached).toBeGreaterThan(3)
    expect(attached).toBeLessThan(many)
  })

  test('backs off when a round throws', async () => {
    const lines: string[] = []
    const note = (_: object, message: string): void => void lines.push(message)
    const { clock, backend, another } = createTestBed({
      logger: { debug: () => {}, info: () => {}, warn: () => {}, error: note },
    })
    backend.maxBatch = 0 // a driver's bug
    void another()
      .register(instance('a', '1'))
      .catch(() => {})
    await clock.advance(10 * capMs)
    expect(lines.length).toBeGreaterThan(3)
    expect(lines.length).toBeLessThan(many)
  })

  test('backs off while it takes over from a holder whose claim keeps rising', async () => {
    const { clock, backend, registry } = createTestBed()
    backend.answerPut = ({ claim }) => {
      if (backend.count('put') > many) throw new Error('calls repeat without a pause')
      const holder = { ...claim, owner: 'other', claimedAtMs: claim.claimedAtMs + 1e9 }
      return { result: 'conflict', holder }
    }
    void registry.register(instance('a', '1')).catch(() => {})
    await clock.advance(10 * capMs)
    expect(backend.count('put')).toBeGreaterThan(3)
    expect(backend.count('put')).toBeLessThan(many)
  })

  test('rotates sessions no faster than the backoff, however many pending registrations are deregistered', async () => {
    const { clock, backend, registry } = createTestBed()
    void registry.register(instance('a', 'stays'))
    await clock.advance(10)
    backend.before = ({ operation, keys }) => {
      if (operation === 'put' && !keys.includes('a/stays')) throw failure('timeout')
    }
    for (let index = 0; index < 100; index += 1) {
      const one = await registry.register(instance('a', String(index)), { waitFor: 'accepted' })
      await clock.advance(10)
      one.deregister().catch(() => {})
      await clock.advance(10)
    }
    expect(backend.count('open-session')).toBeLessThan(30)
  })
})
