import { describe, expect, test } from 'vitest'
import { failure } from '../scripted-backend.ts'
import { capMs, createTestBed, instance, outcomeOf, ttlMs } from './supervisor-test-bed.ts'

describe('an audit that takes long', () => {
  const createSlowAudit = async () => {
    const bed = createTestBed()
    const handle = bed.registry.register(instance('orders', '1'))
    await bed.clock.advance(10)
    const registration = await handle
    let answer: () => void = () => {}
    const answered = new Promise<void>((resolve) => {
      answer = resolve
    })
    const done: string[] = []
    bed.backend.before = async ({ operation }) => {
      if (operation !== 'audit') return
      done.push('asked')
      await answered
      done.push('answered')
    }
    while (done.length === 0) await bed.clock.advance(10)
    return { ...bed, registration, answer, done }
  }

  test('delays no write and no removal', async () => {
    const { clock, backend, registry, registration, done } = await createSlowAudit()
    const updated = outcomeOf(registration.update({ weight: 7 }))
    const registered = outcomeOf(registry.register(instance('orders', '2')))
    await clock.advance(10)
    expect([updated.ending, registered.ending]).toEqual(['resolved', 'resolved'])
    expect(backend.records.get('orders/1')?.instance.weight).toBe(7)
    const removed = outcomeOf(registration.deregister())
    await clock.advance(10)
    expect(removed.ending).toBe('resolved')
    expect(done).toEqual(['asked'])
  })

  test('is one at a time', async () => {
    const { clock, backend } = await createSlowAudit()
    await clock.advance(250)
    expect(backend.count('audit')).toBe(1)
    const patient = createTestBed({ callTimeoutMs: 10 * ttlMs })
    patient.backend.before = ({ operation }) =>
      operation === 'audit' ? new Promise<void>(() => {}) : undefined
    void patient.registry.register(instance('orders', '1'))
    await patient.clock.advance(3 * ttlMs)
    // the loop has something else to do while the next one would be due
    void patient.registry.register(instance('orders', '2'))
    await patient.clock.advance(ttlMs)
    expect(patient.backend.count('audit')).toBe(1)
  })

  test('says nothing of what was written, removed or registered again meanwhile', async () => {
    for (const change of ['update', 'again'] as const) {
      const { clock, backend, registry, registration, answer } = await createSlowAudit()
      if (change === 'update')
        await Promise.all([registration.update({ weight: 7 }), clock.advance(10)])
      else {
        await Promise.all([registration.deregister(), clock.advance(10)])
        await Promise.all([registry.register(instance('orders', '1')), clock.advance(10)])
      }
      const puts = backend.count('put')
      // as the audit saw it before the change
      const stored = backend.records.get('orders/1')
      backend.records.delete('orders/1')
      answer()
      await clock.advance(1)
      if (stored !== undefined) backend.records.set('orders/1', stored)
      await clock.advance(ttlMs / 2)
      expect(backend.count('put')).toBe(puts)
      expect(registry.health().ok).toBe(true)
    }
  })

  test('ends with the registry', async () => {
    const { clock, registry } = await createSlowAudit()
    const closed = outcomeOf(registry.close())
    await clock.advance(10)
    expect(closed.ending).toBe('resolved')
    expect(clock.pending).toBe(0)
  })
})

describe('a session that loses a part', () => {
  test('is audited at once, and only what is gone is written again', async () => {
    const { clock, backend, registry } = createTestBed()
    backend.hasParts = true
    for (const id of ['1', '2', '3']) void registry.register(instance('orders', id))
    await clock.advance(10)
    const puts = backend.count('put')
    backend.losePart('session-1', ['orders/2'])
    await clock.advance(10)
    expect(backend.records.has('orders/2')).toBe(true)
    expect(backend.calls.filter(({ operation }) => operation === 'put').slice(puts)).toMatchObject([
      { keys: ['orders/2'], session: 'session-1' },
    ])
    expect(backend.count('open-session')).toBe(1)
    expect(registry.health().ok).toBe(true)
  })

  test('is audited again when it loses another part during the audit', async () => {
    const { clock, backend, registry } = createTestBed()
    backend.hasParts = true
    for (const id of ['1', '2']) void registry.register(instance('orders', id))
    await clock.advance(10)
    let audits = 0
    backend.before = ({ operation }) => {
      if (operation !== 'audit' || ++audits > 1) return
      queueMicrotask(() => queueMicrotask(() => backend.losePart('session-1', ['orders/1'])))
      throw failure('unavailable')
    }
    backend.losePart('session-1', ['orders/2'])
    await clock.advance(10)
    expect(audits).toBeGreaterThan(1)
    await clock.advance(capMs)
    expect(backend.records.size).toBe(2)
    expect(registry.health().ok).toBe(true)
  })
})
