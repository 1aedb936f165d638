import { RegistryError, type RegistryErrorCode } from '@sd/core'
import { expect, test } from 'vitest'
import { Availability } from '../src/runtime/availability.ts'
import { ManualClock } from './manual-clock.ts'
import { createTestBed, instance, ttlMs } from './registration/supervisor-test-bed.ts'
import { failure } from './scripted-backend.ts'

const error = (code: RegistryErrorCode, cause?: unknown): RegistryError =>
  new RegistryError(code, { backend: 'etcd', operation: 'list', message: 'no', cause })

const refusedBy = (address: string): RegistryError =>
  error(
    'unavailable',
    Object.assign(new Error(`connect ECONNREFUSED ${address}`), { code: 'ECONNREFUSED' }),
  )

const create = () => {
  const clock = new ManualClock()
  const lines: string[] = []
  const availability = new Availability({
    backend: 'etcd',
    servers: ['http://h:2379'],
    clock,
    ttlMs: 1_000,
    publish: (_topic, level, event, message) => lines.push(`${level} ${event}: ${message}`),
  })
  return { availability, clock, lines }
}

test('is unknown until something is asked', () => {
  const { availability, lines } = create()
  expect(availability.state).toBe('unknown')
  expect(availability.failed(error('conflict'))).toBe(false)
  expect(availability.state).toBe('unknown')
  availability.answered()
  expect(availability.state).toBe('answering')
  expect(lines).toEqual([])
})

test('publishes an outage when it begins, when its kind of cause changes, and when it ends', async () => {
  const { availability, clock, lines } = create()
  const [session, watch] = [{}, {}]
  availability.failed(refusedBy('10.0.0.1:2379'), session)
  availability.failed(refusedBy('10.0.0.1:2379'), watch)
  availability.failed(refusedBy('10.0.0.2:2379'), session)
  await clock.advance(1_500)
  availability.failed(error('timeout'), watch)
  availability.failed(refusedBy('10.0.0.1:2379'), watch)
  availability.answered(session)
  expect(availability.state).toBe('unreachable')
  expect(availability.cause?.message).toContain('list')
  await clock.advance(500)
  availability.answered(watch)
  availability.answered(watch)
  expect(lines).toEqual([
    'warn outage-began: cannot reach etcd at http://h:2379, retrying; [unavailable] list: no',
    'warn outage-changed: cannot reach etcd at http://h:2379, retrying; [timeout] list: no',
    'info outage-ended: etcd answers again, after 2.0 s',
  ])
  availability.failed(refusedBy('10.0.0.1:2379'), session)
  expect(lines).toHaveLength(4)
})

test('publishes each kind of cause once, which is its code and the innermost one', () => {
  const { availability, lines } = create()
  const because = (inner: string | undefined): RegistryError =>
    error('unavailable', error('internal', inner && Object.assign(new Error('x'), { code: inner })))
  expect(availability.failed(because('ECONNREFUSED'))).toBe(true)
  expect(availability.failed(because('ENOTFOUND'))).toBe(true)
  expect(availability.failed(because('ECONNREFUSED'))).toBe(true)
  availability.failed(error('session-lost'))
  expect(lines.map((line) => line.split(':')[0])).toEqual([
    'warn outage-began',
    'warn outage-changed',
    'warn outage-changed',
  ])
  expect(lines[2]).toBe(
    'warn outage-changed: etcd at http://h:2379 has ended the session, registering again; [session-lost] list: no',
  )
})

test('takes causes in a circle for one kind', () => {
  const { availability, lines } = create()
  const circle = new Error('x')
  circle.cause = circle
  availability.failed(error('unavailable', circle))
  availability.failed(error('unavailable', circle))
  expect(lines).toHaveLength(1)
})

test('has the latest failure of those that last as its cause', () => {
  const { availability } = create()
  const [session, watch] = [{}, {}]
  availability.failed(error('timeout'), session)
  availability.failed(error('unavailable'), watch)
  expect(availability.cause?.code).toBe('unavailable')
  availability.failed(error('session-lost'), session)
  expect(availability.cause?.code).toBe('session-lost')
})

test('tells a denied access from a backend that is away', () => {
  const { availability, lines } = create()
  availability.failed(error('permission-denied'))
  expect(availability.state).toBe('refused')
  expect(lines).toEqual([
    'warn outage-began: etcd at http://h:2379 denies access; [permission-denied] list: no',
  ])
  availability.failed(error('unavailable'), {})
  expect(availability.state).toBe('unreachable')
})

test('does not count a denial as an outage while the backend answers other requests', async () => {
  const { availability, clock, lines } = create()
  availability.answered()
  expect(availability.failed(error('permission-denied'))).toBe(false)
  expect(availability.state).toBe('answering')
  await clock.advance(1_000)
  expect(availability.failed(error('permission-denied'))).toBe(true)
  expect(availability.state).toBe('refused')
  expect(lines).toHaveLength(1)
})

test('health tells a refused login, also when nothing is left that was refused', async () => {
  const { backend, clock, registry } = createTestBed()
  expect(registry.health()).toMatchObject({ ok: false, state: 'unknown' })
  backend.before = () => {
    throw failure('permission-denied')
  }
  await expect(registry.ping()).rejects.toMatchObject({ code: 'permission-denied' })
  await expect(registry.register(instance('a', '1'))).rejects.toMatchObject({
    code: 'permission-denied',
  })
  const refused = { ok: false, state: 'refused', cause: { code: 'permission-denied' } }
  expect(registry.health()).toMatchObject(refused)
  expect(JSON.parse(JSON.stringify(registry.health()))).toMatchObject(refused)
  backend.before = () => {}
  await clock.advance(1)
  await registry.ping()
  expect(registry.health()).toMatchObject({ ok: true, state: 'ok' })
})

test('keeps the last failure of a part that ends, until anything is answered', () => {
  const { availability } = create()
  const [session, watch] = [{}, {}]
  availability.failed(error('permission-denied'), session)
  availability.left(session)
  expect(availability.state).toBe('refused')
  availability.answered(watch)
  expect(availability.state).toBe('answering')
  availability.failed(error('unavailable'), session)
  availability.failed(error('unavailable'), watch)
  availability.left(watch)
  availability.answered(session)
  expect(availability.state).toBe('answering')
})

test('forgets the failure of a part that ends while another one fails', () => {
  const { availability } = create()
  const [session, watch] = [{}, {}]
  availability.failed(error('unavailable'), watch)
  availability.failed(error('permission-denied'), session)
  availability.left(watch)
  expect(availability.state).toBe('refused')
})

test('a registry that only watches is well again when its unneeded session has been lost', async () => {
  const { backend, clock, registry } = createTestBed()
  registry.watch('a')
  const registering = registry.register(instance('a', '1'))
  await clock.advance(1)
  const registration = await registering
  const deregistering = registration.deregister()
  await clock.advance(1)
  await deregistering
  backend.lose('session-1')
  await clock.advance(1)
  expect(registry.health()).toMatchObject({ state: 'unreachable', session: { state: 'idle' } })
  await clock.advance(ttlMs / 2)
  expect(registry.health()).toMatchObject({ ok: true, state: 'ok' })
})

test('a probe that is answered ends no outage of a part, and disproves no denial', () => {
  const { availability } = create()
  availability.reached()
  expect(availability.state).toBe('unknown')
  availability.failed(error('timeout'))
  availability.reached()
  expect(availability.state).toBe('answering')
  const session = {}
  availability.failed(error('unavailable'), session)
  availability.failed(error('timeout'))
  availability.reached()
  expect(availability.cause?.code).toBe('unavailable')
  availability.answered(session)
  availability.failed(error('timeout'))
  availability.reached()
  expect(availability.state).toBe('answering')
  const denied = create().availability
  denied.failed(error('permission-denied'))
  denied.reached()
  expect(denied.state).toBe('refused')
})

test('a call that nothing repeats is forgotten with the next answer to any other', () => {
  const { availability } = create()
  availability.failed(error('timeout'))
  expect(availability.state).toBe('unreachable')
  availability.answered({})
  expect(availability.state).toBe('answering')
})

test('a watch that fails and is left keeps nothing from being well', async () => {
  const { backend, clock, registry } = createTestBed()
  backend.observe = () => {
    throw failure('unavailable')
  }
  const watcher = registry.watch('a')
  await clock.advance(1)
  expect(registry.health().state).toBe('unreachable')
  watcher.close()
  await registry.ping()
  expect(registry.health()).toMatchObject({ ok: true, state: 'ok' })
})
