import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Benchmark, Values, World } from '../frame/benchmark.ts'
import { ChangeWriter, ToldChanges } from '../rigs/change-writer.ts'
import { storeInstances } from '../rigs/etcd-records.ts'
import { openEtcd3, openRegistry } from '../rigs/open-etcd.ts'
import { watchRaw } from '../rigs/raw-watch.ts'

const instances = 1_000
/** About a thousand a second: four writers, each with a pause of some milliseconds. */
const dense = { count: 4_000, everyMs: 3, atATime: 4 }

const prefixOf = (world: World): string => `${world.prepared}/orders/`

const prepare = async (world: World): Promise<void> =>
  storeInstances(await openEtcd3(world), prefixOf(world), instances)

const measure = async (world: World, told: ToldChanges): Promise<Values> => {
  const writer = new ChangeWriter(world)
  const keyOf = { prefixes: [prefixOf(world)], index: 0, instances }
  const run = async (count: number): Promise<void> => {
    const { round, whole } = told.expect(count)
    await writer.write({ ...dense, count, round, keyOf })
    await whole
  }
  await run(500)
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const beganMs = performance.now()
  await run(dense.count)
  delay.disable()
  return {
    p99: delay.percentile(99) / 1e6,
    longest: delay.max / 1e6,
    rate: dense.count / ((performance.now() - beganMs) / 1_000),
  }
}

const raw = async (world: World): Promise<Values> => {
  const told = new ToldChanges()
  await watchRaw(await openEtcd3(world), prefixOf(world), ({ metadata }) => told.change(metadata))
  return measure(world, told)
}

const registry = async (world: World): Promise<Values> => {
  const told = new ToldChanges()
  const watcher = (await openRegistry(world, world.prepared)).watch('orders')
  await watcher.next()
  void (async () => {
    for await (const event of watcher)
      if (event.type !== 'stale')
        for (const { instance } of event.changes) told.change(instance.metadata)
  })()
  return measure(world, told)
}

export const benchmark: Benchmark = {
  title: 'The event loop while changes arrive from etcd',
  about:
    'Another process changes 1,000 instances as fast as four writers with pauses of 3 ms make the changes; the last row has their rate. Measured is the delay of the event loop of the process that watches them, as `monitorEventLoopDelay` measures it every millisecond.',
  server: 'etcd',
  samples: 3,
  prepare,
  sides: { etcd3: { run: raw }, '@sd': { run: registry } },
  rows: {
    p99: {
      what: '99th percentile of the delay',
      unit: 'ms',
      goals: [{ side: '@sd', against: 'etcd3', atMost: 1.25 }],
    },
    longest: { what: 'longest delay', unit: 'ms' },
    rate: { what: 'changes in a second', unit: 'calls' },
  },
}
