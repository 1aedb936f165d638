import { Registry } from '@sd/core'
import { memory, MemoryStore } from '@sd/memory'
import { expect, test } from 'vitest'
import { createBalancer } from '@sd/balancer'

test('follows a service of a registry', async () => {
  await using registry = new Registry(memory({ store: new MemoryStore() }))
  await using balancer = createBalancer(registry, { service: 'orders' })
  const ready = balancer.ready()
  const registration = await registry.register({
    service: 'orders',
    endpoints: ['http://10.0.0.7:8080', 'grpc://10.0.0.7:9090'],
  })
  await ready
  const pick = balancer.pick({ scheme: ['h2c', 'grpc'] })
  expect(pick.endpoint).toBe('grpc://10.0.0.7:9090')
  pick.done()
  expect(() => balancer.pick({ exclude: new Set([registration.instance.id]) })).toThrow(
    '[unavailable]',
  )
})
