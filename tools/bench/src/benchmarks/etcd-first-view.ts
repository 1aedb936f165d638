import type { Benchmark, Values, World } from '../frame/benchmark.ts'
import { storeInstances } from '../rigs/etcd-records.ts'
import { openEtcd3, openRegistry } from '../rigs/open-etcd.ts'
import { elapsedMs } from '../rigs/time-calls.ts'
import { timeGoView } from '../rigs/timed-peers.ts'

const instances = 10_000
const [warmUp, rounds] = [4, 6]

const prepare = async (world: World): Promise<void> => {
  const client = await openEtcd3(world)
  await storeInstances(client, `${world.prepared}/orders/`, instances)
  // etcd's naming library reads its own documents
  await storeInstances(client, `${world.prepared}-naming/`, instances, (index) =>
    JSON.stringify({ Op: 0, Addr: `10.0.0.1:${8_000 + index}`, Metadata: null }),
  )
}

const measure = async (
  view: () => Promise<unknown>,
  list: () => Promise<unknown>,
): Promise<Values> => {
  const first = await elapsedMs(view)
  const views: number[] = []
  const lists: number[] = []
  for (let round = 0; round < warmUp + rounds; round += 1) {
    const viewMs = await elapsedMs(view)
    const listMs = await elapsedMs(list)
    if (round < warmUp) continue
    views.push(viewMs)
    lists.push(listMs)
  }
  return { first, view: views, list: lists }
}

const raw = async (world: World): Promise<Values> => {
  const client = await openEtcd3(world)
  const prefix = `${world.prepared}/orders/`
  await client.get('connected')
  const list = async (): Promise<Map<string, unknown>> => {
    const found = await client.getAll().prefix(prefix).exec()
    const instancesByKey = new Map<string, unknown>()
    for (const { key, value } of found.kvs)
      instancesByKey.set(key.toString(), JSON.parse(value.toString()))
    return instancesByKey
  }
  const view = async (): Promise<void> => {
    const watcher = await client.watch().prefix(prefix).create()
    await list()
    await watcher.cancel()
  }
  return measure(view, list)
}

const registry = async (world: World): Promise<Values> => {
  const own = await openRegistry(world, world.prepared)
  await own.list('others')
  const view = async (): Promise<void> => {
    const watcher = own.watch('orders')
    await watcher.next()
    if (watcher.size < instances) throw new Error(`the view holds ${watcher.size} instances`)
    watcher.close()
  }
  return measure(view, () => own.list('orders'))
}

const remains =
  'decoding a record takes about one and a half times as long as `JSON.parse` of it, and core’s own part was halved: one map less, no spreading of objects, no second copy of keys. What remains is the validation of every field, freezing what readers share, and the pages in which the range is read, one after the other.'

const goal = { side: '@sd', against: 'etcd3', atMost: 1.3 } as const

export const benchmark: Benchmark = {
  title: 'The first view of 10,000 instances on etcd',
  about:
    "Watching a service of 10,000 instances until all are known, and listing them, on an open connection. The raw client creates a watch, reads the range, and parses every value into a Map. Go's naming library is measured in a new process, its connection included.",
  server: 'etcd',
  prepare,
  sides: {
    etcd3: { run: raw },
    '@sd': { run: registry },
    "Go's naming": {
      needs: 'go',
      run: async (world) => ({
        first: await timeGoView(world, 'etcd-naming', {
          service: `${world.prepared}-naming`,
          count: instances,
        }),
      }),
    },
  },
  rows: {
    first: { what: 'first view in a process', unit: 'ms', goals: [goal], remains },
    view: { what: 'first view, warmed up', unit: 'ms', goals: [goal], remains },
    list: { what: 'list, warmed up', unit: 'ms', goals: [goal], remains },
  },
}
