import { setTimeout as sleep } from 'node:timers/promises'
import type { Benchmark, Values, World } from '../frame/benchmark.ts'
import { inputOf, openEtcd3, openRegistry } from '../rigs/open-etcd.ts'

const instances = 100
const ttlMs = 2_000
/** Delays between attempts begin anew after 5 s without a failure, `backoff.maxMs` by default. */
const stableMs = 6_000

/** Resolves once the server stores that many of the instances. */
const stored = async (world: World, count: number): Promise<void> => {
  const client = await openEtcd3(world)
  for (;;) {
    const found = await client
      .getAll()
      .prefix(`${world.namespace}/orders/`)
      .count()
      .catch(() => 0)
    if (found === count) break
    await sleep(10)
  }
  client.close()
}

const measure = async (world: World): Promise<Values> => {
  const registry = await openRegistry(world, world.namespace, ttlMs)
  await Promise.all(
    Array.from({ length: instances }, (_, index) => registry.register(inputOf(index))),
  )
  const after = async (wiped: boolean): Promise<number> => {
    await world.fault('kill')
    if (wiped) await world.fault('wipe')
    else await sleep(2 * ttlMs) // every lease would be over, and is with the server's clock
    await world.fault('start')
    const beganMs = performance.now()
    await stored(world, instances)
    return performance.now() - beganMs
  }
  const outage = await after(false)
  await sleep(stableMs)
  const wipe = await after(true)
  await registry.close()
  return { outage, wipe }
}

export const benchmark: Benchmark = {
  title: 'Back after an outage of etcd',
  about:
    'A process has 100 instances registered. The server is killed for two ttls and started with its data, then, after six seconds without a fault, killed and started empty: from its readiness until it stores all of them.',
  server: 'etcd',
  samples: 3,
  sides: { '@sd': { run: measure } },
  rows: {
    wipe: { what: 'back on an empty server', unit: 'ms', goals: [{ side: '@sd', atMost: 1_000 }] },
    outage: { what: 'back after an outage', unit: 'ms', goals: [{ side: '@sd', atMost: 1_000 }] },
  },
}
