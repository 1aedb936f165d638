import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRegistry } from '@sd/registry'
import { MemoryStore } from '@sd/memory'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

/** The timers that Jest fakes by default, except `nextTick`, which Vitest itself needs. */
const toFake = [
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'Date',
  'performance',
] as const

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sd-fake-timers-'))
})
afterEach(async () => {
  vi.useRealTimers()
  await rm(folder, { recursive: true })
})

test.each(['memory', 'sqlite'] as const)(
  '%s registers, expires and closes while the timers of a test are faked',
  async (backend) => {
    vi.useFakeTimers({ toFake: [...toFake] })
    const config =
      backend === 'memory'
        ? { backend, store: new MemoryStore(), ttlMs: 1_000 }
        : { backend, path: join(folder, 'registry.db'), ttlMs: 1_000 }
    const registry = await createRegistry(config)
    const watcher = registry.watch('orders')
    await watcher.next()
    const registration = await registry.register({
      service: 'orders',
      endpoints: ['http://10.0.0.7:80'],
    })
    expect(await watcher.next()).toMatchObject({ type: 'change', changes: [{ type: 'added' }] })
    await registration.deregister()
    expect(await watcher.next()).toMatchObject({ changes: [{ type: 'removed' }] })
    // every deadline must pass: one that depends on a faked timer would wait for ever
    const unreachable = await createRegistry({ url: 'etcd://127.0.0.1:1', callTimeoutMs: 200 })
    await expect(unreachable.list('orders')).rejects.toMatchObject({ retryable: true })
    await Promise.all([unreachable.close(), registry.close()])
  },
)
