import type { Registry } from '@sd/core'
import { ids, instance } from '@sd/contract-tests/world'
import { TcpProxy } from '@sd/contract-tests/servers'
import { provideServers, zookeeper } from '@sd/test-servers'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { RegistryWorld } from './registry-world.ts'

/** In each direction. */
const latencyMs = 50
const servers = await provideServers(zookeeper)
let proxy: TcpProxy

afterAll(() => servers[Symbol.asyncDispose]())
beforeEach(async () => {
  proxy = await TcpProxy.to(servers.endpoints[0] ?? '')
})
afterEach(() => proxy[Symbol.asyncDispose]())

const p95 = (times: readonly number[]): number =>
  times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.95)] ?? 0

test('R9: audits of 5,000 instances over a slow link delay no update', async () => {
  await using world = new RegistryWorld()
  const ttlMs = 4_000
  const updateTimes = async (registry: Registry, service: string, count: number) => {
    const [first] = await Promise.all(
      ids('i', count).map((id) => registry.register(instance(id, { service }))),
    )
    proxy.latency(latencyMs)
    const times: number[] = []
    for (let weight = 1; weight <= 30; weight++) {
      const began = performance.now()
      await first?.update({ weight })
      times.push(performance.now() - began)
    }
    proxy.latency(0)
    await registry.close()
    return times
  }
  const few = p95(await updateTimes(world.registry([proxy.endpoint], { ttlMs }), 'few', 10))
  const many = p95(await updateTimes(world.registry([proxy.endpoint], { ttlMs }), 'many', 5_000))
  process.stderr.write(
    `update, 95 %: ${Math.round(few)} ms of 10 instances, ${Math.round(many)} ms of 5,000\n`,
  )
  expect(many).toBeLessThan(2 * few)
})
