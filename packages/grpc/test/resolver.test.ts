import { Registry } from '@sd/core'
import { MemoryStore, memory } from '@sd/memory'
import { expect, test } from 'vitest'
import { registerResolver } from '../src/index.ts'
import { EchoClient } from './support/echo-client.ts'
import { EchoServer } from './support/echo-server.ts'

test('first', async () => {
  const registry = new Registry(memory({ store: new MemoryStore() }))
  using _ = registerResolver(registry)
  await using a = await EchoServer.start('a')
  await using b = await EchoServer.start('b')
  for (const s of [a, b])
    await registry.register({ service: 'orders', id: s.id, endpoints: [`grpc://${s.address}`] })
  using client = new EchoClient('sd:///orders')
  console.log(await client.burst(60), await client.burst(60))
  using wrong = new EchoClient('sd:///orders?versio=1')
  console.log(await wrong.call())
  using none = new EchoClient('sd:///nobody')
  console.log(await none.call())
  using empty = new EchoClient('sd:///')
  console.log(await empty.call())
  using two = new EchoClient('sd://orders')
  console.log(await two.call())
  expect(a.connections).toBe(1)
  await registry.close()
})
