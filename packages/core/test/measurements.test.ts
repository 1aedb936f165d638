import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { expect, test } from 'vitest'
import { diagnosticChannels, type DiagnosticEvent, type DiagnosticTopic } from '@sd/core'
import { type InstanceRecord, toRecordKey } from '@sd/core/driver'
import { createTestBed, instance } from './registration/supervisor-test-bed.ts'
import { failure } from './scripted-backend.ts'

const listenTo = (topic: DiagnosticTopic) => {
  const events: DiagnosticEvent[] = []
  const listen = (message: unknown): void => void events.push(message as DiagnosticEvent)
  subscribe(diagnosticChannels[topic], listen)
  return { events, [Symbol.dispose]: () => unsubscribe(diagnosticChannels[topic], listen) }
}

test('a call is published with its duration and its error, and with its registry', async () => {
  using calls = listenTo('call')
  const { backend, clock, registry } = createTestBed()
  backend.before = async ({ operation }) => {
    if (operation === 'put') await new Promise<void>((resolve) => clock.setTimer(40, resolve))
    if (operation === 'list') throw failure('permission-denied')
  }
  const registered = registry.register(instance('orders', '1'))
  await clock.advance(50)
  await registered
  const listed = registry.list('orders')
  await expect(listed).rejects.toMatchObject({ code: 'permission-denied' })
  await expect(registry.list('')).rejects.toMatchObject({ code: 'invalid-argument' })
  const frame = { backend: 'scripted', registry, event: 'call-ended' }
  expect(calls.events).toEqual([
    { ...frame, operation: 'register', service: 'orders', durationMs: 40 },
    {
      ...frame,
      operation: 'list',
      service: 'orders',
      durationMs: 0,
      error: await listed.catch((error: unknown) => error),
    },
    expect.objectContaining({ operation: 'list', service: '' }),
  ])
  expect(calls.events[0]?.registry).toBe(registry)
})

test('a write is measured from the change, or the loss, to the acknowledgement of everything', async () => {
  using writes = listenTo('write')
  const { backend, clock, registry } = createTestBed()
  backend.before = async ({ operation }) => {
    if (operation === 'put') await new Promise<void>((resolve) => clock.setTimer(40, resolve))
  }
  const registered = registry.register(instance('orders', '1'))
  await clock.advance(50)
  const registration = await registered
  const updates = [registration.update({ weight: 1 })]
  await clock.advance(10)
  // written by the next round, after the first
  updates.push(registration.update({ weight: 2 }))
  await clock.advance(100)
  await Promise.all(updates)
  backend.lose('session-1')
  await clock.advance(1_000)
  expect(registration.status.state).toBe('registered')
  const durations = writes.events.map(({ durationMs }) => durationMs)
  expect(durations.slice(0, 2)).toEqual([40, 80])
  expect(durations).toHaveLength(3)
  expect(writes.events[2]).toMatchObject({
    registry,
    event: 'write-acknowledged',
    service: 'orders',
    id: '1',
  })
})

test('a change of a view is counted by kind, once for all its readers', async () => {
  using changes = listenTo('change')
  const { backend, clock, registry } = createTestBed()
  const record = (id: string, weight: number): InstanceRecord => ({
    key: toRecordKey(id),
    instance: { ...instance('orders', id), weight, health: 'passing', tags: [], metadata: {} },
  })
  backend.observe = async function* () {
    const nothing = { removed: [], skipped: [] }
    yield { type: 'snapshot', records: [record('1', 1), record('2', 1)], skipped: [] }
    yield { type: 'alive' }
    yield { type: 'changes', ...nothing, records: [record('1', 2), record('3', 1)] }
    yield { type: 'changes', ...nothing, records: [record('1', 2)] }
    yield { type: 'changes', ...nothing, records: [], removed: [toRecordKey('2')] }
    yield { type: 'changes', ...nothing, records: [record('4', 1)], removed: [toRecordKey('3')] }
    await new Promise(() => {})
  }
  await using watchers = new AsyncDisposableStack()
  for (let reader = 0; reader < 2; reader += 1) watchers.use(registry.watch('orders'))
  await clock.advance(10)
  const frame = { backend: 'scripted', registry, event: 'view-changed' }
  const scope = { scope: 'service', service: 'orders' }
  expect(changes.events).toEqual([
    { ...frame, ...scope, added: 2, updated: 0, removed: 0 },
    { ...frame, ...scope, added: 1, updated: 1, removed: 0 },
    { ...frame, ...scope, added: 0, updated: 0, removed: 1 },
    { ...frame, ...scope, added: 1, updated: 0, removed: 1 },
  ])
})

test('measurements are not logged', async () => {
  const lines: string[] = []
  const note = (details: object): void => void lines.push((details as DiagnosticEvent).event)
  using calls = listenTo('call')
  using writes = listenTo('write')
  const { clock, registry } = createTestBed({
    logger: { debug: note, info: note, warn: note, error: note },
  })
  void registry.register(instance('orders', '1'))
  await clock.advance(10)
  expect(calls.events.length + writes.events.length).toBe(2)
  expect(lines).toEqual(['session-opening', 'session-live', 'registration-registered'])
})
