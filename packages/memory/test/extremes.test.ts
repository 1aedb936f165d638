import { Registry } from '@sd/core'
import { memory, MemoryStore } from '@sd/memory'
import { MemoryFaults } from '@sd/memory/faults'
import { expect, test } from 'vitest'

test('a watch attaches over a slow link with the longest timeout of calls', async () => {
  const store = new MemoryStore()
  new MemoryFaults(store).slow(20)
  // attaching may take twice as long, which no timer of Node can count
  await using registry = new Registry(memory({ store }), { callTimeoutMs: 2 ** 31 - 1 })
  const watcher = registry.watch('orders')
  expect((await watcher.next())?.type).toBe('sync')
  expect(watcher.stale).toBeUndefined()
})

test('a logger that throws or rejects disturbs nothing, and no rejection is left unhandled', async () => {
  const unhandled: unknown[] = []
  const note = (reason: unknown): void => void unhandled.push(reason)
  process.on('unhandledRejection', note)
  try {
    let calls = 0
    const broken = (): never => {
      calls += 1
      throw new Error('no space for logs')
    }
    for (const log of [broken, async () => broken()]) {
      const logger = { debug: log, info: log, warn: log, error: log }
      await using registry = new Registry(memory({ store: new MemoryStore() }), { logger })
      const instance = { service: 'orders', id: '1', endpoints: ['http://10.0.0.1:80'] }
      const registration = await registry.register(instance)
      expect(registration.status.state).toBe('registered')
      await registration.deregister()
    }
    // rejections are reported after the microtasks
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
    expect(calls).toBeGreaterThan(1)
    expect(unhandled).toEqual([])
  } finally {
    process.off('unhandledRejection', note)
  }
})
