import { describe, expect, test } from 'vitest'
import { clockToleranceMs } from '../../src/runtime/timing.ts'
import { failure } from '../scripted-backend.ts'
import {
  capMs,
  createTestBed,
  instance,
  outcomeOf,
  type TestBed,
  ttlMs,
} from './supervisor-test-bed.ts'

const random = { next: () => 0.5, id: (length: number) => 'x'.repeat(length) }
const steady = (options: Parameters<typeof createTestBed>[0] = {}): TestBed =>
  createTestBed({ random, ...options })

const held = (claimedAtMs: number) => ({
  claim: { owner: 'other', claimedAtMs, seq: 0 },
  instance: { ...instance('a', '1'), weight: 1, health: 'passing', tags: [], metadata: {} },
  mode: 'if-newer' as const,
  ttlMs,
  registeredAtMs: 0,
})

const never = (): Promise<void> => new Promise(() => {})

/** A promise that the test settles. */
const gate = () => Promise.withResolvers<void>()

describe('the claim of a registration', () => {
  test('is zero with yield, and above the one that it replaces in the own process', async () => {
    const { clock, backend, registry } = steady()
    void registry.register(instance('a', 'y'), { onConflict: 'yield' })
    backend.write(held(9_000_000))
    const first = outcomeOf(registry.register(instance('a', '1')))
    await clock.advance(1)
    const second = outcomeOf(registry.register(instance('a', '1')))
    await clock.advance(1)
    expect([first.ending, second.ending]).toEqual(['resolved', 'resolved'])
    expect(backend.holderOf('a', 'y')).toMatchObject({ claimedAtMs: 0 })
    expect(backend.holderOf('a', '1')).toMatchObject({ claimedAtMs: 9_000_002 })
  })

  test.each([
    [
      'within the tolerance of clocks',
      (calledAtMs: number) => calledAtMs + clockToleranceMs,
      'registered',
    ],
    ['later', (calledAtMs: number) => calledAtMs + clockToleranceMs + 1, 'superseded'],
    ['just now', (_: number, nowMs: number) => nowMs, 'superseded'],
    ['in the future', (_: number, nowMs: number) => nowMs + 1, 'registered'],
  ])(
    'of a takeover that waited, against a holder that registered %s',
    async (_, claimedAt, state) => {
      const { clock, backend, registry } = steady()
      await clock.advance(10_000)
      const calledAtMs = clock.nowMs()
      backend.before = ({ operation, atMs }) => {
        if (operation !== 'put') return
        if (atMs < 13_000) throw failure('unavailable')
        backend.before = () => {}
        backend.write(held(claimedAt(calledAtMs, clock.nowMs())))
      }
      const registering = registry.register(instance('a', '1'), { waitFor: 'accepted' })
      await clock.advance(3_000 + capMs)
      expect((await registering).status.state).toBe(state)
    },
  )

  test('does not rise any more once it is written: a taken-over update is superseded', async () => {
    const { clock, backend, registry } = steady()
    const registering = registry.register(instance('a', '1'))
    await clock.advance(1)
    const one = await registering
    backend.write(held(9e9))
    const updated = outcomeOf(one.update({ weight: 1 }))
    await clock.advance(1)
    expect([updated.ending, one.status.state]).toEqual(['conflict', 'superseded'])
    expect(backend.holderOf('a', '1')?.owner).toBe('other')
  })

  test('is refused by a conflict whose holder is not known', async () => {
    const { clock, backend, registry } = steady()
    backend.answerPut = () => ({ result: 'conflict' })
    const registering = registry.register(instance('a', '1'), { waitFor: 'accepted' })
    await clock.advance(1)
    expect((await registering).status).toMatchObject({
      state: 'failed',
      cause: { code: 'conflict' },
    })
    expect(backend.count('put')).toBe(1)
  })

  test('with reject ends as failed, however late the holder registered', async () => {
    const { clock, backend, registry } = steady()
    backend.before = ({ operation }) => {
      if (operation === 'put' && clock.monotonicMs() < 3_000) throw failure('unavailable')
    }
    const options = { onConflict: 'reject', waitFor: 'accepted' } as const
    const registering = registry.register(instance('a', '1'), options)
    backend.write(held(clock.nowMs() + 2_000))
    await clock.advance(3_000 + capMs)
    expect((await registering).status.state).toBe('failed')
  })
})

describe('the outcome of a write that is outdated', () => {
  test.each([
    ['a conflict', () => ({ result: 'conflict', holder: held(9e9).claim }) as const],
    ['a conflict with nobody', () => ({ result: 'conflict' }) as const],
    ['a refusal', () => ({ result: 'error', error: failure('permission-denied') }) as const],
  ])('%s does not concern the registration that came after it', async (_, outcome) => {
    const { clock, backend, registry } = steady()
    const answer = gate()
    backend.before = ({ operation }) => (operation === 'put' ? answer.promise : undefined)
    backend.answerPut = () => {
      backend.answerPut = () => undefined
      return outcome()
    }
    registry.register(instance('a', '1')).catch(() => {})
    await clock.advance(1)
    const second = outcomeOf(registry.register({ ...instance('a', '1'), weight: 7 }))
    backend.before = () => {}
    answer.resolve()
    await clock.advance(1)
    expect(second.ending).toBe('resolved')
    expect(backend.records.get('a/1')?.instance.weight).toBe(7)
  })

  test('a success does not acknowledge the registration that came after it', async () => {
    const { clock, backend, registry } = steady()
    const answer = gate()
    backend.before = ({ operation }) => (operation === 'put' ? answer.promise : undefined)
    registry.register(instance('a', '1')).catch(() => {})
    await clock.advance(1)
    const second = outcomeOf(registry.register({ ...instance('a', '1'), weight: 7 }))
    backend.before = ({ operation }) => {
      if (operation === 'put') throw failure('unavailable')
    }
    answer.resolve()
    await clock.advance(1)
    expect([second.ending, backend.records.get('a/1')?.instance.weight]).toEqual(['pending', 100])
    backend.before = () => {}
    await clock.advance(capMs)
    expect([second.ending, backend.records.get('a/1')?.instance.weight]).toEqual(['resolved', 7])
  })
})

test('a batch whose instances were all deregistered before its turn is not sent', async () => {
  const { clock, backend, another } = steady()
  backend.maxBatch = 1
  const registry = another()
  const answer = gate()
  backend.before = ({ operation }) => (operation === 'put' ? answer.promise : undefined)
  const registering = Array.from({ length: 10 }, (_, index) =>
    registry.register(instance('a', String(index)), { waitFor: 'accepted' }),
  )
  await clock.advance(1)
  expect(backend.count('put')).toBe(8)
  const last = outcomeOf((await registering[9])?.deregister() ?? never())
  answer.resolve()
  await clock.advance(1)
  expect(last.ending).toBe('resolved')
  const sent = backend.calls.flatMap(({ operation, keys }) => (operation === 'put' ? [keys] : []))
  expect(sent).toEqual(Array.from({ length: 9 }, (_, index) => [`a/${index}`]))
})

test('a write in a batch after others leaves out what was deregistered before its turn', async () => {
  const { clock, backend, another } = steady()
  backend.maxBatch = 2
  const registry = another()
  const answer = gate()
  backend.before = ({ operation }) => (operation === 'put' ? answer.promise : undefined)
  const registering = Array.from({ length: 18 }, (_, index) =>
    registry.register(instance('a', String(index)), { waitFor: 'accepted' }),
  )
  await clock.advance(1)
  const last = outcomeOf((await registering[17])?.deregister() ?? never())
  answer.resolve()
  await clock.advance(1)
  expect(last.ending).toBe('resolved')
  const sent = backend.calls.flatMap(({ operation, keys }) => (operation === 'put' ? keys : []))
  expect(sent).toEqual(Array.from({ length: 17 }, (_, index) => `a/${index}`))
  expect(registry.health()).toMatchObject({ ok: true, lastErrors: [] })
})

test('a refused write of what was deregistered meanwhile concerns nobody', async () => {
  const { clock, backend, registry } = steady()
  const registering = registry.register(instance('a', '1'))
  await clock.advance(1)
  const one = await registering
  const answer = gate()
  backend.before = ({ operation }) => (operation === 'put' ? answer.promise : undefined)
  const updated = outcomeOf(one.update({ weight: 2 }))
  await clock.advance(1)
  const gone = outcomeOf(one.deregister())
  answer.reject(failure('permission-denied', 'put'))
  await clock.advance(capMs)
  expect([updated.ending, gone.ending]).toEqual(['closed', 'resolved'])
  expect(registry.health().lastErrors.map(({ error }) => error.operation)).not.toContain(
    'supervise',
  )
})

test('what was never sent needs no removal', async () => {
  const { clock, backend, registry } = steady()
  backend.before = ({ operation }) => (operation === 'open-session' ? never() : undefined)
  const first = await registry.register(instance('a', '1'), { waitFor: 'accepted' })
  const second = await registry.register(instance('a', '1'), { waitFor: 'accepted' })
  const endings = [outcomeOf(first.deregister()), outcomeOf(second.deregister())]
  await clock.advance(1)
  expect(endings.map(({ ending }) => ending)).toEqual(['resolved', 'resolved'])
  expect(backend.count('remove')).toBe(0)
})

test('a write that hangs is reported with its service, and the backend as away', async () => {
  const { clock, backend, registry } = steady({ ttlMs: 60_000 })
  backend.before = ({ operation }) => (operation === 'put' ? never() : undefined)
  const registering = registry.register(instance('orders', '1'), { waitFor: 'accepted' })
  await clock.advance(301)
  expect((await registering).status.cause).toMatchObject({
    operation: 'put',
    service: 'orders',
    backend: 'scripted',
  })
  expect(registry.health()).toMatchObject({ state: 'unreachable', cause: { service: 'orders' } })
})

test('a write that succeeds begins a new backoff', async () => {
  const { clock, backend, registry } = steady({ ttlMs: 60_000 })
  const registering = registry.register(instance('a', '1'), { waitFor: 'accepted' })
  let failsUntilMs = 2_000
  backend.before = ({ operation, atMs }) => {
    if (operation === 'put' && atMs < failsUntilMs) throw failure('unavailable')
  }
  await clock.advance(2_000 + capMs)
  const one = await registering
  expect(one.status.state).toBe('registered')
  failsUntilMs = clock.monotonicMs() + 1
  const updated = outcomeOf(one.update({ weight: 3 }))
  // the first pause is half of 50 ms
  await clock.advance(26)
  expect(updated.ending).toBe('resolved')
})

test('a status keeps its time while only its cause changes, and has no cause where there is none', async () => {
  const { clock, backend, registry } = steady({ ttlMs: 60_000 })
  const codes = ['unavailable', 'internal'] as const
  let puts = 0
  backend.before = ({ operation }) => {
    if (operation === 'put' && puts++ < 4) throw failure(codes[puts % 2] ?? 'timeout')
  }
  const registering = registry.register(instance('a', '1'), { waitFor: 'accepted' })
  await clock.advance(40)
  const one = await registering
  const { since } = one.status
  expect(since.getTime()).toBe(1_000_000)
  expect(one.status.cause).toBeDefined()
  await clock.advance(1_000)
  expect(one.status).not.toHaveProperty('cause')
  expect(one.status.since.getTime()).toBeGreaterThan(since.getTime())
  expect(one.status.state).toBe('registered')
})

test('an older record goes when the registration that replaced it is refused', async () => {
  const { clock, backend, registry } = steady()
  void registry.register(instance('a', '1'))
  await clock.advance(1)
  backend.answerPut = () => ({ result: 'error', error: failure('permission-denied') })
  const second = outcomeOf(registry.register({ ...instance('a', '1'), weight: 7 }))
  await clock.advance(1)
  expect(second.ending).toBe('permission-denied')
  expect(backend.records.size).toBe(0)
})

describe('a session that is replaced', () => {
  /** Loses session 1 by silence while it still stands at the backend. */
  const rotated = async (bed: TestBed) => {
    const registry = bed.another()
    for (const id of ['1', '2']) void registry.register(instance('a', id))
    await bed.clock.advance(1)
    bed.backend.before = ({ operation, session }) =>
      operation === 'renew' && session === 'session-1' ? never() : undefined
    return registry
  }
  const closesOfFirst = ({ backend }: TestBed): number =>
    backend.calls.filter((c) => c.operation === 'close-session' && c.session === 'session-1').length

  test('is closed only when every instance is written in the next one', async () => {
    const bed = steady()
    bed.backend.maxBatch = 1
    await rotated(bed)
    const { before } = bed.backend
    bed.backend.before = (call) => {
      if (call.operation === 'put' && call.keys.includes('a/2')) throw failure('unavailable')
      return before(call)
    }
    await bed.clock.advance(2 * ttlMs)
    expect(bed.backend.records.get('a/1')?.session).toBe('session-2')
    expect(closesOfFirst(bed)).toBe(0)
    bed.backend.before = before
    await bed.clock.advance(capMs + 1)
    expect(closesOfFirst(bed)).toBe(1)
    expect(bed.backend.records.get('a/2')?.session).toBe('session-2')
  })

  test('does not wait for what is refused for good', async () => {
    const bed = steady()
    bed.backend.maxBatch = 1
    await rotated(bed)
    const { before } = bed.backend
    bed.backend.before = (call) => {
      if (call.operation === 'put' && call.keys.includes('a/2')) throw failure('permission-denied')
      return before(call)
    }
    await bed.clock.advance(1.2 * ttlMs + capMs)
    expect(bed.backend.records.get('a/1')?.session).toBe('session-2')
    expect(closesOfFirst(bed)).toBe(1)
  })

  test('is closed at once if it says that it is lost and nothing was written in it', async () => {
    const { clock, backend, registry } = steady()
    backend.before = ({ operation }) => {
      if (operation === 'put') throw failure('session-lost')
      if (backend.count('open-session') > 1) throw failure('unavailable')
    }
    void registry.register(instance('a', '1')).catch(() => {})
    await clock.advance(1)
    expect(backend.count('close-session')).toBe(1)
  })

  test('stays for two ttls if a write in it has no known outcome', async () => {
    const { clock, backend, registry } = steady()
    backend.before = ({ operation }) => {
      if (operation === 'put') return never()
      if (operation === 'open-session' && backend.count('open-session') > 1)
        throw failure('unavailable')
      return undefined
    }
    void registry.register(instance('a', '1')).catch(() => {})
    await clock.advance(1)
    backend.lose('session-1')
    await clock.advance(2 * ttlMs - 1)
    expect(backend.count('close-session')).toBe(0)
    await clock.advance(2)
    expect(backend.count('close-session')).toBe(1)
  })

  test('a write that the loss of its session cut off may have succeeded', async () => {
    const { clock, backend, registry } = steady()
    const registering = registry.register(instance('a', '1'), { waitFor: 'accepted' })
    backend.before = ({ operation, session }) => {
      if (operation === 'put' && session === 'session-1') return never()
      if (operation === 'close-session' && session === 'session-1') throw failure('unavailable')
      return undefined
    }
    await clock.advance(1)
    backend.lose('session-1')
    await clock.advance(capMs)
    const gone = outcomeOf((await registering).deregister())
    await clock.advance(capMs)
    expect([gone.ending, backend.records.size]).toEqual(['pending', 0])
    backend.before = () => {}
    await clock.advance(3 * ttlMs)
    expect(gone.ending).toBe('resolved')
  })
})

test('a write that is refused has not happened: its removal needs no other session', async () => {
  const { clock, backend, registry } = steady()
  const registering = registry.register(instance('a', '1'))
  await clock.advance(1)
  const one = await registering
  backend.before = ({ operation }) => {
    if (operation === 'put') throw failure('permission-denied')
  }
  one.update({ weight: 1 }).catch(() => {})
  await clock.advance(1)
  const gone = outcomeOf(one.deregister())
  await clock.advance(1)
  expect([gone.ending, backend.count('open-session')]).toEqual(['resolved', 1])
})

test('a removal whose create is unknown does not wait for the next audit', async () => {
  const { clock, backend, registry } = steady({ ttlMs: 60_000 })
  backend.before = ({ operation }) => (operation === 'put' ? never() : undefined)
  const registering = registry.register(instance('a', '1'), { waitFor: 'accepted' })
  await clock.advance(10)
  const gone = outcomeOf((await registering).deregister())
  await clock.advance(300 + 3 * capMs)
  expect(gone.ending).toBe('resolved')
  expect(backend.count('open-session')).toBe(2)
})

describe('a session that was replaced', () => {
  /** An instance in a session that the backend has ended, and in which records may be left. */
  const ended = async (ids: readonly string[] = ['1']) => {
    const bed = steady()
    for (const id of ids) void bed.registry.register(instance('a', id))
    await bed.clock.advance(1)
    return bed
  }

  test('is closed once everything was written in the next, also where an update is refused since', async () => {
    const { clock, backend, registry } = await ended([])
    const registering = registry.register(instance('a', '1'))
    await clock.advance(1)
    const one = await registering
    const answer = gate()
    backend.before = ({ operation, session }) =>
      operation === 'put' && session === 'session-2' ? answer.promise : undefined
    backend.lose('session-1')
    await clock.advance(1)
    one.update({ weight: 2 }).catch(() => {})
    backend.answerPut = ({ instance: { weight } }) =>
      weight === 2 ? { result: 'error', error: failure('unavailable') } : undefined
    expect(backend.count('close-session')).toBe(0)
    answer.resolve()
    await clock.advance(1)
    expect(backend.count('close-session')).toBe(1)
  })

  test('is not closed for what the backend refused at an earlier time', async () => {
    const bed = steady()
    const { clock, backend, registry } = bed
    let refuses = true
    backend.answerPut = () =>
      refuses ? { result: 'error', error: failure('unavailable') } : undefined
    void registry.register(instance('a', '1'))
    await clock.advance(1)
    refuses = false
    await clock.advance(2 * ttlMs)
    refuses = true
    backend.lose('session-1')
    await clock.advance(100)
    expect(backend.count('put')).toBeGreaterThan(2)
    expect(backend.count('close-session')).toBe(0)
  })

  test('is closed after two ttls, however long nothing can be written in the next', async () => {
    const { clock, backend } = await ended()
    backend.before = ({ operation }) => {
      if (operation === 'put') throw failure('unavailable', operation)
    }
    backend.lose('session-1')
    await clock.advance(2 * ttlMs - 1)
    expect(backend.count('close-session')).toBe(0)
    await clock.advance(capMs)
    expect(backend.count('close-session')).toBe(1)
  })

  test('is not closed when it ends during a removal, before the others are written again', async () => {
    const { clock, backend, registry } = await ended()
    const registering = registry.register(instance('a', '2'))
    await clock.advance(1)
    backend.before = ({ operation }) =>
      operation === 'remove' || operation === 'open-session' ? never() : undefined
    ;(await registering).deregister().catch(() => {})
    await clock.advance(1)
    expect(backend.count('remove')).toBe(1)
    backend.lose('session-1')
    await clock.advance(100)
    expect(backend.count('close-session')).toBe(0)
  })

  test('is replaced at its time when nothing else is due', async () => {
    const { clock, backend, registry } = steady({ ttlMs: 60_000 })
    const gone: { ending: string }[] = []
    for (const id of ['1', '2', '3']) {
      backend.before = ({ operation }) => {
        if (operation === 'put') throw failure('timeout', operation)
      }
      const pending = await registry.register(instance('a', id), { waitFor: 'accepted' })
      await clock.advance(1)
      backend.before = () => {}
      gone.push(outcomeOf(pending.deregister()))
      await clock.advance(1)
    }
    await clock.advance(capMs)
    expect(gone.map(({ ending }) => ending)).toEqual(['resolved', 'resolved', 'resolved'])
  })
})
