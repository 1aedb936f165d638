import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { type InstanceRecord, toRecordKey } from '@sd/core/driver'
import { createTestBed, instance } from './registration/supervisor-test-bed.ts'

// the figures of the section Sizing in docs/operations.md

test('a process asks the backend 0.4 + 0.6 + 0.13 times a second while nothing changes', async () => {
  const { backend, clock, registry } = createTestBed({ ttlMs: 10_000 })
  const registered = registry.register(instance('orders', '1'))
  await clock.advance(100)
  await registered
  const watchers = ['orders', 'prices'].map((service) => registry.watch(service))
  await Promise.all(watchers.map((watcher) => watcher.next()))
  await clock.advance(60_000)
  const operations = ['renew', 'probe', 'audit'] as const
  const counts = (): readonly number[] => [
    ...operations.map((operation) => backend.count(operation)),
    backend.calls.length,
  ]
  const before = counts()
  await clock.advance(1_000_000)
  const [renew, probe, audit, all] = counts().map(
    (count, index) => (count - (before[index] ?? 0)) / 1_000,
  )
  expect(renew).toBeCloseTo(0.4, 1)
  expect(probe).toBeCloseTo(0.6, 1)
  expect(audit).toBeCloseTo(0.13, 1)
  // and nothing else
  expect(all).toBeCloseTo(1.1, 1)
  for (const watcher of watchers) watcher.close()
})

const size = 10_000

/** Made anew for each watch, so that only the view holds it. */
const recordOf = (index: number): InstanceRecord => ({
  key: toRecordKey(`i${index}`),
  instance: {
    service: 'orders',
    id: `i${index}`,
    endpoints: [`http://10.0.0.1:${index}`],
    weight: 100,
    health: 'passing',
    tags: ['a', 'b'],
    metadata: { commit: 'abc', started: 'today' },
  },
  claim: { owner: 'o', claimedAtMs: 1, seq: index },
})

test('a watched instance takes less than 1 kB, and its further readers nothing', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const heapBytes = (): number => {
    collect()
    return process.memoryUsage().heapUsed
  }
  const { backend, registry } = createTestBed()
  backend.observe = async function* (_scope, signal) {
    yield {
      type: 'snapshot',
      records: Array.from({ length: size }, (_, i) => recordOf(i)),
      skipped: [],
    }
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
  }
  const before = heapBytes()
  const watchers = [registry.watch('orders')]
  await watchers[0]?.next()
  const one = heapBytes()
  for (let reader = 1; reader < 10; reader += 1) watchers.push(registry.watch('orders'))
  for (const watcher of watchers.slice(1)) await watcher.next()
  const ten = heapBytes()
  expect(watchers.at(-1)?.size).toBe(size)
  expect((one - before) / size).toBeLessThan(1_000)
  expect((ten - one) / size / 9).toBeLessThan(50)
  for (const watcher of watchers) watcher.close()
})
