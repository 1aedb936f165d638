import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { diagnosticChannels } from '@sd/core'
import { describe, expect, test } from 'vitest'
import { failure } from '../scripted-backend.ts'
import { createTestBed, instance, outcomeOf, ttlMs } from './supervisor-test-bed.ts'

describe('the owner of an id', () => {
  test('is the later of two that registered while nothing could be written', async () => {
    const { clock, backend, registry, another } = createTestBed()
    backend.before = ({ operation }) => {
      if (operation === 'put') throw failure('unavailable')
    }
    const earlier = outcomeOf(registry.register(instance('a', '1')))
    await clock.advance(3_000)
    const rival = another()
    const later = outcomeOf(rival.register(instance('a', '1')))
    await clock.advance(50)
    backend.before = ({ operation, session }) => {
      if (operation === 'put' && session === 'session-1') throw failure('unavailable')
    }
    await clock.advance(1_000)
    expect(later.ending).toBe('resolved')
    backend.before = () => {}
    await clock.advance(3_000)
    expect(earlier.ending).toBe('conflict')
    expect(rival.health().ok).toBe(true)
  })

  test('is the one that takes over, also from a holder whose clock is ahead', async () => {
    const { clock, backend, registry } = createTestBed()
    backend.write({
      instance: { ...instance('a', '1'), weight: 1, health: 'passing', tags: [], metadata: {} },
      claim: { owner: 'ahead', claimedAtMs: clock.nowMs() + 3_600_000, seq: 0 },
      mode: 'if-newer',
      ttlMs,
      registeredAtMs: 0,
    })
    const taken = outcomeOf(registry.register(instance('a', '1')))
    await clock.advance(10)
    expect(taken.ending).toBe('resolved')
    expect(backend.holderOf('a', '1')?.owner).not.toBe('ahead')
  })

  test('stays the holder of the highest possible claim, and the refusal says what to do', async () => {
    const { clock, backend, registry } = createTestBed()
    backend.write({
      instance: { ...instance('a', '1'), weight: 1, health: 'passing', tags: [], metadata: {} },
      claim: { owner: 'x', claimedAtMs: Number.MAX_SAFE_INTEGER, seq: 0 },
      mode: 'if-newer',
      ttlMs,
      registeredAtMs: 0,
    })
    const refused = registry.register(instance('a', '1'))
    const outcome = outcomeOf(refused)
    await clock.advance(10)
    expect(outcome.ending).toBe('conflict')
    await expect(refused).rejects.toThrow(/highest .* remove that record/)
    const accepted = await registry.register(instance('a', '1'), { waitFor: 'accepted' })
    await clock.advance(10)
    // it was refused, and not taken over
    expect(accepted.status.state).toBe('failed')
  })

  test('may be replaced in the same process, and deregister of the replaced one waits until its record is gone', async () => {
    const { clock, backend, registry } = createTestBed()
    const registering = registry.register({ ...instance('a', '1'), version: 'old' })
    await clock.advance(10)
    const old = await registering
    backend.before = ({ operation }) => {
      if (operation === 'put') throw failure('unavailable')
    }
    await registry.register({ ...instance('a', '1'), version: 'new' }, { waitFor: 'accepted' })
    const gone = outcomeOf(old.deregister())
    await clock.advance(100)
    expect(gone.ending).toBe('pending')
    backend.before = () => {}
    await clock.advance(1_000)
    expect(gone.ending).toBe('resolved')
    expect(backend.records.get('a/1')?.instance.version).toBe('new')
  })

  test('may be a process that registers again when its status becomes superseded', async () => {
    const { clock, registry, another } = createTestBed()
    let again = { ending: 'not called' }
    const onMessage = (message: unknown): void => {
      const { event } = message as { readonly event: string }
      if (event !== 'registration-superseded' || again.ending !== 'not called') return
      again = outcomeOf(registry.register(instance('a', '1')))
    }
    subscribe(diagnosticChannels.registration, onMessage)
    try {
      void registry.register(instance('a', '1'))
      await clock.advance(10)
      void another().register(instance('a', '1'))
      await clock.advance(2 * ttlMs)
    } finally {
      unsubscribe(diagnosticChannels.registration, onMessage)
    }
    expect(again.ending).toBe('resolved')
    expect(registry.health().ok).toBe(true)
  })
})

describe('the status', () => {
  test('is registered as soon as register resolves, even while an update is pending', async () => {
    const { clock, backend, registry } = createTestBed()
    const held = Promise.withResolvers<void>()
    backend.before = ({ operation }) => (operation === 'put' ? held.promise : undefined)
    const one = await registry.register(instance('a', '1'), { waitFor: 'accepted' })
    await clock.advance(10)
    const updated = outcomeOf(one.update({ weight: 1 }))
    backend.before = ({ operation }) => {
      if (operation === 'put') throw failure('permission-denied')
    }
    held.resolve()
    await clock.advance(1)
    expect(one.status.state).toBe('recovering')
    expect(one.status.cause?.code).toBe('permission-denied')
    backend.before = () => {}
    await clock.advance(ttlMs)
    expect(updated.ending).toBe('resolved')
    expect(one.status.state).toBe('registered')
  })

  test('stays registered when another client edits the record on the owner’s behalf', async () => {
    const { clock, backend, registry } = createTestBed()
    const registering = registry.register(instance('a', '1'))
    await clock.advance(10)
    const one = await registering
    const seen: string[] = []
    void (async () => {
      for await (const { state } of one.statuses()) seen.push(state)
    })()
    const standing = backend.records.get('a/1')
    if (standing === undefined) throw new Error('the edited record is not stored')
    const { claim } = standing
    backend.records.set('a/1', {
      ...standing,
      instance: { ...standing.instance, weight: 7 },
      claim: { ...claim, seq: claim.seq + 1 },
    })
    await clock.advance(2 * ttlMs)
    expect(one.instance.weight).toBe(7)
    expect(seen).toEqual(['registered'])
  })

  test('superseded makes the registry unhealthy until the user deregisters', async () => {
    const { clock, registry, another } = createTestBed()
    const registering = registry.register(instance('a', '1'))
    await clock.advance(10)
    const one = await registering
    void another().register(instance('a', '1'))
    await clock.advance(ttlMs)
    expect(one.status.state).toBe('superseded')
    expect(registry.health()).toMatchObject({ ok: false, registrations: [{ id: '1' }] })
    await one.deregister()
    expect(registry.health()).toMatchObject({ ok: true, registrations: [] })
    void registry.register(instance('a', '2'))
    await clock.advance(10)
    void another().register(instance('a', '2'))
    await clock.advance(ttlMs)
    expect(registry.health()).toMatchObject({ ok: false, registrations: [{ id: '2' }] })
    const closing = registry.close()
    await clock.advance(10)
    await closing
    expect(registry.health()).toMatchObject({ ok: false, registrations: [] })
  })

  test('of the session is that of the live one, not of a replaced one', async () => {
    const { clock, backend, registry } = createTestBed()
    backend.answerPut = ({ instance: { id } }) =>
      id === 'poison' ? { result: 'error', error: failure('internal') } : undefined
    void registry.register(instance('a', 'x'))
    void registry.register(instance('a', 'poison')).catch(() => {})
    await clock.advance(10)
    let lost = false
    backend.before = ({ operation, session, keys }) => {
      if (operation === 'renew' && session === 'session-2') throw failure('unavailable')
      if (operation !== 'put' || !keys.includes('a/y') || lost) return
      lost = true
      throw failure('timeout')
    }
    const registering = await registry.register(instance('a', 'y'), { waitFor: 'accepted' })
    await clock.advance(100)
    registering.deregister().catch(() => {})
    await clock.advance(300)
    const { id, cause, renewedAt } = registry.health().session
    expect(id).toBe('session-2')
    await clock.advance(400)
    const later = registry.health().session
    expect(later.id).toBe('session-2')
    expect(later.cause?.code ?? cause?.code).toBe('unavailable')
    expect(later.renewedAt).toEqual(renewedAt)
  })
})
