import { describe, expect, test } from 'vitest'
import { failure } from '../scripted-backend.ts'
import { capMs, createTestBed, instance, outcomeOf } from './supervisor-test-bed.ts'

describe('a session', () => {
  test('that the driver reports as lost is replaced at once, before the next heartbeat', async () => {
    const { clock, backend, registry } = createTestBed()
    void registry.register(instance('a', '1'))
    await clock.advance(2 * capMs)
    const beats = backend.count('renew')
    backend.lose('session-1')
    await clock.advance(1)
    expect(backend.count('renew')).toBe(beats)
    expect(backend.records.get('a/1')?.session).toBe('session-2')
  })

  test('that is lost while it opens is replaced as well', async () => {
    const { clock, backend, registry } = createTestBed()
    backend.losesAtOnce = true
    const registered = outcomeOf(registry.register(instance('a', '1')))
    await clock.advance(1)
    expect(registered.ending).toBe('pending')
    backend.losesAtOnce = false
    await clock.advance(capMs)
    expect(registered.ending).toBe('resolved')
  })
})

describe('a removal', () => {
  test('that failed is repeated until it is acknowledged', async () => {
    const { clock, backend, registry } = createTestBed()
    const registering = registry.register(instance('a', '1'))
    await clock.advance(10)
    let failed = 0
    backend.before = ({ operation }) => {
      if (operation !== 'remove' || failed >= 3) return
      failed += 1
      throw failure('unavailable')
    }
    const gone = outcomeOf((await registering).deregister())
    await clock.advance(1)
    expect(gone.ending).toBe('pending')
    expect(registry.health().pendingRemovals).toBe(1)
    await clock.advance(3 * capMs)
    expect(gone.ending).toBe('resolved')
    expect(backend.records.size).toBe(0)
  })
})
