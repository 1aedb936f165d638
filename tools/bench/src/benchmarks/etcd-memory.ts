import type { Benchmark, Values, World } from '../frame/benchmark.ts'
import { storeInstances } from '../rigs/etcd-records.ts'
import { keptMb } from '../rigs/heap-mb.ts'
import { openEtcd3, openRegistry } from '../rigs/open-etcd.ts'
import { readPages } from '../rigs/raw-watch.ts'

const sizeOf = ({ quick }: Pick<World, 'quick'>): number => (quick ? 20_000 : 100_000)

const namespaceOf = (world: World): string => `${world.prepared}-${sizeOf(world)}`

const prepare = async (world: World): Promise<void> =>
  storeInstances(await openEtcd3(world), `${namespaceOf(world)}/orders/`, sizeOf(world))

const measure = async (open: () => Promise<unknown>): Promise<Values> => {
  const before = await keptMb()
  const kept = await open()
  const after = await keptMb()
  if (kept === undefined) throw new Error('nothing is kept')
  return { heap: after.heap - before.heap, external: Math.max(0, after.external - before.external) }
}

interface Stored {
  readonly name: string
  readonly id: string
  readonly endpoints: readonly string[]
  readonly weight: number
  readonly tags: readonly string[]
  readonly metadata: Readonly<Record<string, string>>
}

const raw = async (world: World): Promise<Values> => {
  const client = await openEtcd3(world)
  await client.get('connected')
  return measure(async () => {
    const kvs = await readPages(client, `${namespaceOf(world)}/orders/`)
    return new Map(
      kvs.map(({ value }) => {
        const stored = JSON.parse(value.toString()) as Stored
        const { name: service, id, endpoints, weight, tags, metadata } = stored
        return [id, { service, id, endpoints, weight, health: 'passing', tags, metadata }]
      }),
    )
  })
}

const registry = async (world: World): Promise<Values> => {
  const own = await openRegistry(world, namespaceOf(world))
  await own.list('others')
  return measure(async () => {
    const watcher = own.watch('orders')
    await watcher.next()
    if (watcher.size < sizeOf(world)) throw new Error(`the view holds ${watcher.size} instances`)
    return watcher
  })
}

export const benchmark: Benchmark = {
  title: 'The memory of 100,000 watched instances',
  about:
    'What stays on the heap, and in buffers outside it, after a garbage collection, once all instances are known. The base is a Map of the fields that a user sees.',
  server: 'etcd',
  samples: 3,
  prepare,
  sides: { 'a Map': { run: raw }, '@sd': { run: registry } },
  rows: {
    heap: {
      what: 'heap',
      unit: 'MB',
      goals: [{ side: '@sd', atMost: 65 }],
      remains:
        'the keys of the records serve as the keys of the instances, empty tags and metadata are shared, and so is the name of an owner of several records that are read one after the other; two maps remain of three. What a Map of the same fields has not: the claim, the times and the frozen record of each instance, which `record()` and the choice among several records of one id need, and the second map.',
    },
    external: { what: 'outside the heap', unit: 'MB', goals: [{ side: '@sd', atMost: 1 }] },
  },
  quick: { rows: ['heap'], samples: 1 },
}
