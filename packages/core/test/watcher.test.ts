import { describe, expect, test } from 'vitest'
import { Registry } from '@sd/core'
import { type InstanceRecord, type Observation, RegistryError, toRecordKey } from '@sd/core/driver'
import { ManualClock } from './manual-clock.ts'
import { ScriptedBackend } from './scripted-backend.ts'

const ids = ['a', 'b', 'c', 'd']

const recordOf = (id: string): InstanceRecord => ({
  key: toRecordKey(`orders/${id}`),
  instance: {
    service: 'orders',
    id,
    endpoints: ['http://10.0.0.1:8080'],
    weight: 100,
    health: 'passing',
    tags: [],
    metadata: {},
  },
  claim: { owner: `owner-of-${id}`, claimedAtMs: 5, seq: 0 },
  ttlMs: 1_000,
  registeredAtMs: 7,
})

const snapshot = (present: readonly string[]): Observation => ({
  type: 'snapshot',
  records: present.map(recordOf),
  skipped: [],
})

/** A registry whose backend fails once, and then has only `stays` left. */
const createLossy = (stays: readonly string[]): { registry: Registry; clock: ManualClock } => {
  const clock = new ManualClock()
  const backend = new ScriptedBackend(clock)
  let attached = 0
  backend.observe = async function* (_scope, signal) {
    attached += 1
    if (attached === 1) {
      yield snapshot(ids)
      throw new RegistryError('unavailable', {
        backend: 'scripted',
        operation: 'observe',
        message: 'cut',
      })
    }
    yield snapshot(stays)
    await new Promise((_, reject) =>
      signal.addEventListener('abort', () => reject(signal.reason as Error)),
    )
  }
  return { registry: new Registry(backend.driver(), { clock, ttlMs: 1_000 }), clock }
}

describe('a watcher', () => {
  test('of one service lists held instances by id', async () => {
    const { registry, clock } = createLossy(['a'])
    const watcher = registry.watch('orders')
    await watcher.next()
    expect(watcher.record('b')).toEqual(recordOf('b'))
    await clock.advance(5_000)
    expect(watcher.held.toSorted()).toEqual(['b', 'c', 'd'])
    expect(watcher.get('b')).toEqual(recordOf('b').instance)
    expect(watcher.record('b')).toBeUndefined()
    expect(watcher.record('a')).toEqual(recordOf('a'))
    await registry.close()
  })

  test('of all services lists held instances by service and id', async () => {
    const { registry, clock } = createLossy(['a'])
    const watcher = registry.watchAll()
    await watcher.next()
    expect(watcher.record('orders', 'b')).toEqual(recordOf('b'))
    await clock.advance(5_000)
    expect(watcher.held.map(({ service, id }) => `${service}/${id}`).toSorted()).toEqual([
      'orders/b',
      'orders/c',
      'orders/d',
    ])
    expect(watcher.record('orders', 'b')).toBeUndefined()
    await registry.close()
  })
})
