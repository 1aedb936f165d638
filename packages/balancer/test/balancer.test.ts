import type { InstanceChange } from '@sd/core'
import { Registry } from '@sd/core'
import { createBalancer } from '@sd/balancer'
import { memory, MemoryStore } from '@sd/memory'
import { MemoryFaults } from '@sd/memory/faults'
import { expect, test } from 'vitest'

const open = () => {
  const store = new MemoryStore()
  const faults = new MemoryFaults(store)
  const registry = new Registry(memory({ store }), { ttlMs: 400 })
  return { faults, registry, [Symbol.asyncDispose]: () => registry.close() }
}

const until = async (condition: () => boolean): Promise<void> => {
  const endMs = performance.now() + 5_000
  while (!condition()) {
    if (performance.now() > endMs) throw new Error('not within the deadline')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

const register = (registry: Registry, id: string, weight = 100) =>
  registry.register({ service: 'orders', id, weight, endpoints: [`http://${id}:8080`] })

test('waits until an instance is present, and follows the registry', async () => {
  await using opened = open()
  const { registry } = opened
  const told: InstanceChange[] = []
  await using balancer = createBalancer(registry, {
    service: 'orders',
    onChange: (changes) => told.push(...changes),
  })
  expect(() => balancer.pick()).toThrow('the registry has not answered yet; wait for ready()')
  const ready = balancer.ready()
  const a = await register(registry, 'a')
  await ready
  expect(balancer.pick().endpoint).toBe('http://a:8080')
  const b = await register(registry, 'b')
  await until(() => balancer.size === 2)
  await a.update({ weight: 0 })
  await until(() => balancer.size === 1)
  expect(balancer.instances.map(({ id }) => id)).toEqual(['b'])
  await b.deregister()
  await until(() => balancer.size === 0)
  expect(told.map(({ type, instance }) => `${type} ${instance.id}`)).toEqual([
    'added a',
    'added b',
    'removed a',
    'removed b',
  ])
  expect(() => balancer.pick()).toThrow('of 1 registered instance 1 is drained (weight 0)')
})

test('ready waits through drained instances, and ends with its signal', async () => {
  await using opened = open()
  const { registry } = opened
  await using balancer = createBalancer(registry, { service: 'orders' })
  const controller = new AbortController()
  const impatient = balancer.ready({ signal: controller.signal })
  controller.abort('enough')
  await expect(impatient).rejects.toBe('enough')
  let isReady = false
  const ready = balancer.ready().then(() => (isReady = true))
  const drained = await register(registry, 'a', 0)
  await until(() => String(pickError(balancer)).includes('drained'))
  expect(isReady).toBe(false)
  await drained.update({ weight: 1 })
  await ready
  await balancer.ready()
})

const pickError = (balancer: { pick(): unknown }): unknown => {
  try {
    balancer.pick()
    return undefined
  } catch (error) {
    return error
  }
}

test('a stale view continues to serve, and an error says since when it is stale', async () => {
  await using opened = open()
  const { faults, registry } = opened
  await register(registry, 'a')
  await using balancer = createBalancer(registry, { service: 'orders' })
  await using empty = createBalancer(registry, { service: 'nobody' })
  await balancer.ready()
  await until(() => String(pickError(empty)).includes('no instance is registered'))
  faults.stop()
  await until(() => balancer.stale !== undefined && empty.stale !== undefined)
  expect(balancer.pick().instance.id).toBe('a')
  expect(String(pickError(empty))).toMatch(
    /\[unavailable\] pick nobody: no instance is registered; the registry has been unreachable since 20\d\d-.*Z: /,
  )
  faults.start()
})

test('a given watcher is used, and closed with the balancer', async () => {
  await using opened = open()
  const { registry } = opened
  await register(registry, 'a')
  const watcher = registry.watch('orders')
  const balancer = createBalancer(watcher)
  await balancer.ready()
  expect(balancer.pick().instance.id).toBe('a')
  const waiting = createBalancer(registry, { service: 'nobody' })
  const ready = waiting.ready()
  waiting.close()
  await expect(ready).rejects.toMatchObject({ code: 'closed' })
  balancer.close()
  balancer.close()
  expect(await watcher.next()).toBeUndefined()
  expect(() => balancer.pick()).toThrow('[closed] pick orders: the balancer was closed')
  await expect(balancer.ready()).rejects.toMatchObject({ code: 'closed' })
  expect(registry.health().watches).toEqual([])
})

test('picks after the registry is closed fail with that reason', async () => {
  const { registry } = open()
  await register(registry, 'a')
  const balancer = createBalancer(registry, { service: 'orders' })
  await balancer.ready()
  await registry.close()
  await until(() => String(pickError(balancer)).includes('[closed]'))
  expect(String(pickError(balancer))).toContain('its watch has ended; was the registry closed?')
})

test('picks after the signal of its watcher aborts fail with that reason', async () => {
  await using opened = open()
  const { registry } = opened
  const controller = new AbortController()
  const balancer = createBalancer(registry.watch('orders', { signal: controller.signal }))
  const reason = new Error('enough')
  controller.abort(reason)
  await until(
    () => pickError(balancer) !== undefined && String(pickError(balancer)).includes('closed'),
  )
  expect(pickError(balancer)).toMatchObject({ code: 'closed', cause: reason })
})
