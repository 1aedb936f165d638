import { describe, expect, test } from 'vitest'
import { failure } from '../scripted-backend.ts'
import { capMs, createTestBed, instance, outcomeOf, ttlMs } from './supervisor-test-bed.ts'

const random = { next: () => 0.5, id: (length: number) => 'x'.repeat(length) }

const registered = async () => {
  const lines: { readonly message: string; readonly [detail: string]: unknown }[] = []
  const note = (details: object, message: string): void => void lines.push({ ...details, message })
  const logger = { debug: () => {}, info: note, warn: note, error: note }
  const bed = createTestBed({ random, ttlMs: 60_000, logger })
  const registering = bed.registry.register(instance('a', '1'))
  await bed.clock.advance(1)
  return { ...bed, lines, one: await registering }
}

describe('a removal', () => {
  test('that fails is repeated in the same session', async () => {
    const { clock, backend, one } = await registered()
    backend.before = ({ operation }) => {
      if (operation === 'remove') throw failure('unavailable')
    }
    const gone = outcomeOf(one.deregister())
    await clock.advance(2 * capMs)
    expect(gone.ending).toBe('pending')
    backend.before = () => {}
    await clock.advance(capMs)
    expect(gone.ending).toBe('resolved')
    expect(backend.count('open-session')).toBe(1)
  })

  test.each([
    [
      'that the backend refuses',
      () => [{ result: 'error', error: failure('unavailable') }] as const,
    ],
    ['that the driver does not report', () => [] as const],
  ])('%s is repeated, with a pause', async (_, outcomes) => {
    const { clock, backend, one } = await registered()
    backend.answerRemove = outcomes
    const gone = outcomeOf(one.deregister())
    await clock.advance(1)
    expect([gone.ending, backend.count('remove')]).toEqual(['pending', 1])
    await clock.advance(2 * capMs)
    expect(backend.count('remove')).toBeGreaterThan(3)
    expect(backend.count('remove')).toBeLessThan(12)
    backend.answerRemove = () => undefined
    await clock.advance(capMs)
    expect(gone.ending).toBe('resolved')
  })

  test('that is answered after the id is registered again does not concern the new record', async () => {
    const { clock, backend, registry, one } = await registered()
    const answer = Promise.withResolvers<void>()
    backend.before = ({ operation }) => (operation === 'remove' ? answer.promise : undefined)
    one.deregister().catch(() => {})
    await clock.advance(1)
    const registering = registry.register({ ...instance('a', '1'), weight: 7 })
    answer.resolve()
    await clock.advance(10)
    const again = await registering
    expect(backend.records.get('a/1')?.instance.weight).toBe(7)
    expect(registry.health().registrations).toMatchObject([{ id: '1' }])
    const gone = outcomeOf(again.deregister())
    await clock.advance(10)
    expect([gone.ending, backend.records.size]).toEqual(['resolved', 0])
  })

  test('waits for a failed registration whose create may still arrive', async () => {
    const { clock, backend, registry } = createTestBed({ random, ttlMs: 60_000 })
    backend.before = ({ operation }) => {
      if (operation === 'close-session') return new Promise<void>(() => {})
      if (operation !== 'put') return undefined
      return backend.count('put') === 1
        ? new Promise<void>(() => {})
        : Promise.reject(failure('permission-denied'))
    }
    const registering = registry.register(instance('a', '1'), { waitFor: 'accepted' })
    await clock.advance(300 + capMs)
    const one = await registering
    expect(one.status.state).toBe('failed')
    backend.before = ({ operation }) =>
      operation === 'close-session' ? new Promise<void>(() => {}) : undefined
    const gone = outcomeOf(one.deregister())
    await clock.advance(capMs)
    expect(gone.ending).toBe('pending')
    backend.before = () => {}
    await clock.advance(300 + 2 * capMs)
    expect(gone.ending).toBe('resolved')
  })

  test('is what the end of a scope does', async () => {
    const { clock, backend, one } = await registered()
    const leaving = (async (): Promise<void> => {
      await using scoped = one
      expect(scoped.status.state).toBe('registered')
    })()
    await clock.advance(1)
    await leaving
    expect(backend.records.size).toBe(0)
  })

  test('ends the check of the instance at once', async () => {
    const { clock, backend, registry } = createTestBed({ random })
    let runs = 0
    const registering = registry.register(instance('a', '1'), {
      check: () => void (runs += 1),
      intervalMs: 100,
    })
    await clock.advance(1)
    const one = await registering
    backend.before = ({ operation }) =>
      operation === 'remove' ? new Promise<void>(() => {}) : undefined
    one.deregister().catch(() => {})
    await clock.advance(ttlMs)
    expect(runs).toBe(1)
  })
})

describe('close', () => {
  test('tells how many records stay where the session may not be ended', async () => {
    const { clock, backend, registry, lines, one } = await registered()
    void registry.register(instance('secret', '1'))
    void registry.register(instance('b', '1'))
    await clock.advance(1)
    backend.before = ({ operation, keys }) => {
      if (operation === 'close-session' || keys.includes('secret/1'))
        throw failure('permission-denied', operation)
    }
    const gone = outcomeOf(one.deregister())
    const closing = outcomeOf(registry.close())
    await clock.advance(1)
    expect([closing.ending, gone.ending]).toEqual(['resolved', 'resolved'])
    expect([...backend.records.keys()]).toEqual(['secret/1'])
    expect(lines.filter(({ event }) => event === 'close-unacknowledged')).toMatchObject([
      { instances: 1, message: expect.stringContaining('did not acknowledge') },
    ])
    expect(registry.health().registrations).toEqual([])
  })

  test('says nothing of the kind where all is acknowledged, or nothing was registered', async () => {
    const { clock, backend, registry, lines, another, one } = await registered()
    const gone = outcomeOf(one.deregister())
    const closing = outcomeOf(registry.close())
    await clock.advance(1)
    expect([closing.ending, gone.ending, backend.records.size]).toEqual(['resolved', 'resolved', 0])
    const removing = another()
    void removing.register(instance('a', '1'))
    await clock.advance(1)
    backend.before = ({ operation }) => {
      if (operation === 'close-session') throw failure('permission-denied', operation)
    }
    const removed = outcomeOf(removing.close())
    await clock.advance(1)
    expect([removed.ending, backend.records.size]).toEqual(['resolved', 0])
    backend.before = () => new Promise<void>(() => {})
    const idle = outcomeOf(another().close())
    await clock.advance(600)
    expect(idle.ending).toBe('resolved')
    expect(lines.filter(({ event }) => event === 'close-unacknowledged')).toEqual([])
  })

  test('does not wait for a write that hangs', async () => {
    const { clock, backend, registry, one } = await registered()
    backend.before = ({ operation }) =>
      operation === 'put' ? new Promise<void>(() => {}) : undefined
    one.update({ weight: 1 }).catch(() => {})
    await clock.advance(1)
    const closing = outcomeOf(registry.close())
    await clock.advance(1)
    expect(closing.ending).toBe('resolved')
    expect(backend.records.size).toBe(0)
  })

  test.each([0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 16])(
    'leaves no session that is opened %i turns before it',
    async (turns) => {
      const { clock, backend, registry } = createTestBed({ random })
      const answer = Promise.withResolvers<void>()
      backend.before = ({ operation }) =>
        operation === 'open-session' ? answer.promise : undefined
      registry.register(instance('a', '1')).catch(() => {})
      await clock.advance(1)
      answer.resolve()
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve()
      const closing = outcomeOf(registry.close())
      await clock.advance(ttlMs)
      expect(closing.ending).toBe('resolved')
      expect([backend.sessions.size, backend.records.size, clock.pending]).toEqual([0, 0, 0])
    },
  )
})
