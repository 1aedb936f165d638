import { Readable } from 'node:stream'
import { describe, expect, test, vi } from 'vitest'
import { createTestBed, instance, outcomeOf } from '../registration/supervisor-test-bed.ts'

describe('an iteration', () => {
  test('of a watcher can be left while it waits, and leaving releases the watch', async () => {
    const { clock, registry } = createTestBed()
    const events = registry.watch('idle')[Symbol.asyncIterator]()
    await events.next()
    const waiting = events.next()
    await expect(events.return?.(undefined)).resolves.toEqual({ done: true, value: undefined })
    await expect(waiting).resolves.toEqual({ done: true, value: undefined })
    expect(registry.health().watches).toEqual([])
    await clock.advance(1)
    expect(clock.pending).toBe(0)
  })

  test('of statuses can be left while it waits', async () => {
    const { clock, registry } = createTestBed()
    const registering = registry.register(instance('a', '1'))
    await clock.advance(10)
    const registration = await registering
    const one = registration.statuses()
    const other = registration.statuses()
    await one.next()
    await other.next()
    const waiting = one.next()
    const stays = outcomeOf(other.next())
    await expect(one.return()).resolves.toEqual({ done: true, value: undefined })
    await expect(waiting).resolves.toEqual({ done: true, value: undefined })
    await expect(one.next()).resolves.toEqual({ done: true, value: undefined })
    await clock.advance(1)
    expect(stays.ending).toBe('pending')
    const gone = registration.deregister()
    await clock.advance(10)
    await gone
    expect(stays.ending).toBe('resolved')
  })

  test('that feeds a stream ends with the stream', async () => {
    const { clock, registry } = createTestBed()
    const stream = Readable.from(registry.watch('idle'))
    stream.on('data', () => {})
    await clock.advance(1)
    expect(registry.health().watches).toMatchObject([{ readers: 1 }])
    stream.destroy()
    await clock.advance(1)
    expect(registry.health().watches).toEqual([])
  })

  test('resolves several pending calls of next in their order, and all of them at its end', async () => {
    const { clock, backend, registry } = createTestBed()
    const watcher = registry.watch('a')
    const waiting = [watcher.next(), watcher.next(), watcher.next()]
    await clock.advance(1)
    await expect(waiting[0]).resolves.toMatchObject({ type: 'sync' })
    expect(backend.count('observe')).toBe(1)
    watcher.close()
    await expect(waiting[1]).resolves.toBeUndefined()
    await expect(waiting[2]).resolves.toBeUndefined()
  })

  test('rejects with the reason of its signal, and ends then', async () => {
    const { clock, registry } = createTestBed()
    const registering = registry.register(instance('a', '1'))
    await clock.advance(10)
    const aborter = new AbortController()
    const statuses = (await registering).statuses({ signal: aborter.signal })
    await statuses.next()
    const waiting = statuses.next()
    aborter.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
    await expect(statuses.next()).resolves.toEqual({ done: true, value: undefined })
  })
})

describe('waiting with a signal', () => {
  test('leaves no listener on the signal, whatever ends the wait', async () => {
    const { clock, backend, registry } = createTestBed()
    const registering = registry.register(instance('a', '1'))
    await clock.advance(10)
    const registration = await registering
    const { signal } = new AbortController()
    const added = vi.spyOn(signal, 'addEventListener')
    const removed = vi.spyOn(signal, 'removeEventListener')
    const watcher = registry.watch('a')
    await watcher.next({ signal })
    const next = watcher.next({ signal })
    await clock.advance(1)
    watcher.close()
    await next
    const updated = registration.update({ weight: 1 }, { signal })
    await clock.advance(10)
    await updated
    const gone = registration.deregister({ signal })
    await clock.advance(10)
    await gone
    expect(backend.records.size).toBe(0)
    expect(added.mock.calls.length).toBeGreaterThan(2)
    expect(removed.mock.calls.map(([, listener]) => listener)).toEqual(
      expect.arrayContaining(added.mock.calls.map(([, listener]) => listener)),
    )
  })

  test('ends only that wait', async () => {
    const { clock, registry } = createTestBed()
    const watcher = registry.watch('idle')
    await watcher.next()
    for (let round = 0; round < 3; round += 1) {
      const aborter = new AbortController()
      const waiting = watcher.next({ signal: aborter.signal })
      aborter.abort(new Error('too late'))
      await expect(waiting).rejects.toThrow('too late')
    }
    const still = outcomeOf(watcher.next())
    await clock.advance(10)
    expect(still.ending).toBe('pending')
  })
})
