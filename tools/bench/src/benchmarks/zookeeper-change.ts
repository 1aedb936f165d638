import type { Client } from 'node-zookeeper-client'
import type { Benchmark, Side, Values, World } from '../frame/benchmark.ts'
import { ChangeWriter, ToldChanges } from '../rigs/change-writer.ts'
import { batchSize, documentOf } from '../rigs/etcd-records.ts'
import { done, openOwnZooKeeper, openRawZooKeeper } from '../rigs/open-zookeeper.ts'
import { cpuMs } from '../rigs/time-calls.ts'
import { wireBytes } from '../rigs/wire-bytes.ts'

const sizes = [10, 5_000] as const
/** One change after the other, each some time after the one before. */
const spread = { count: 300, everyMs: 5, atATime: 1 }
/** One after the other, as fast as the server stores them: for the CPU time. */
const dense = { count: 2_000, everyMs: 0, atATime: 1 }

/** The client in `@sd/zookeeper`, used without the rest of it. */
const own = 'requests of its client'

const namespaceOf = (world: World, size: number): string => `${world.prepared}-${size}`
const folderOf = (world: World, size: number): string => `/${namespaceOf(world, size)}/orders`

const prepare = async (world: World): Promise<void> => {
  const client = await openRawZooKeeper(world.endpoint)
  for (const size of sizes) {
    const folder = folderOf(world, size)
    await done<string>((callback) => client.mkdirp(folder, callback))
    for (let start = 0; start < size; start += batchSize) {
      const transaction = client.transaction()
      for (let index = start; index < Math.min(start + batchSize, size); index += 1)
        transaction.create(`${folder}/i${index}`, Buffer.from(documentOf(index)))
      await done<unknown>((callback) => transaction.commit(callback))
    }
  }
  client.close()
}

const measure = async (world: World, size: number, told: ToldChanges): Promise<Values> => {
  const writer = new ChangeWriter(world, 'zookeeper')
  const keyOf = { prefixes: [`${folderOf(world, size)}/`], index: 0, instances: size }
  const run = async (order: typeof spread): Promise<void> => {
    const { round, whole } = told.expect(order.count)
    await writer.write({ ...order, round, keyOf })
    await whole
  }
  await run(dense)
  const bytes = wireBytes()
  await run(spread)
  const values = {
    callback: [...told.tookMs],
    bytes: (wireBytes() - bytes) / spread.count,
  }
  const beganMs = cpuMs()
  await run(dense)
  return { ...values, cpu: ((cpuMs() - beganMs) / dense.count) * 1_000 }
}

const metadataOf = (data: Uint8Array): Readonly<Record<string, string>> =>
  (JSON.parse(Buffer.from(data).toString()) as { metadata: Readonly<Record<string, string>> })
    .metadata

/** Reads a node, and again whenever its watch fires, which it does once. */
const follow = async (client: Client, path: string, told: ToldChanges): Promise<void> => {
  const data = await done<Buffer>((callback) =>
    client.getData(path, () => void follow(client, path, told), callback),
  )
  told.change(metadataOf(data))
}

const nodeClient = (size: number): Side => ({
  run: async (world) => {
    const told = new ToldChanges()
    const client = await openRawZooKeeper(world.endpoint)
    const folder = folderOf(world, size)
    const names = await done<string[]>((callback) => client.getChildren(folder, callback))
    await Promise.all(names.map((name) => follow(client, `${folder}/${name}`, told)))
    return measure(world, size, told)
  },
})

const ownClient = (size: number): Side => ({
  run: async (world) => {
    const told = new ToldChanges()
    const { signal } = new AbortController()
    const client = await openOwnZooKeeper(world.endpoint, signal)
    const folder = folderOf(world, size)
    const read = async (path: string): Promise<void> =>
      told.change(metadataOf((await client.get(path, signal)).data))
    await client.addWatch(
      folder,
      ({ type, path }) => void (type === 'changed' && path !== undefined && read(path)),
      signal,
    )
    const { names } = await client.children(folder, signal)
    await Promise.all(names.map((name) => read(`${folder}/${name}`)))
    return measure(world, size, told)
  },
})

const registry = (size: number): Side => ({
  run: async (world) => {
    const [{ Registry }, { zookeeper }] = await Promise.all([
      import('@sd/core'),
      import('@sd/zookeeper'),
    ])
    const told = new ToldChanges()
    const config = { hosts: [world.endpoint], namespace: namespaceOf(world, size) }
    const watcher = new Registry(zookeeper(config)).watch('orders')
    await watcher.next()
    void (async () => {
      for await (const event of watcher)
        if (event.type !== 'stale')
          for (const { instance } of event.changes) told.change(instance.metadata)
    })()
    return measure(world, size, told)
  },
})

const sidesOf = (size: number): Readonly<Record<string, Side>> => ({
  [`${own}, ${size.toLocaleString('en')}`]: ownClient(size),
  [`node-zookeeper-client, ${size.toLocaleString('en')}`]: nodeClient(size),
  [`@sd, ${size.toLocaleString('en')}`]: registry(size),
})

const goal = (size: string) =>
  ({ side: `@sd, ${size}`, against: `${own}, ${size}`, atMost: 1.2 }) as const

export const benchmark: Benchmark = {
  title: 'One change among many instances on ZooKeeper',
  about:
    'Another process changes instances, in turn. The time is from before the write to the callback of the watcher; CPU time and bytes are those of the process that watches. The raw operations are requests of the same client: one recursive watch on the service, and a read of the changed node for each event. node-zookeeper-client has no recursive watches: it watches each node, and reads it again with a new watch whenever that has fired.',
  server: 'zookeeper',
  prepare,
  sides: { ...sidesOf(10), ...sidesOf(5_000) },
  rows: {
    callback: {
      what: 'change to callback',
      unit: 'ms',
      goals: [goal('10'), goal('5,000')],
      remains:
        'all sides make one read of one node for an event, with the same bytes, and no step depends on the number of instances. `@sd` also decodes and freezes the record, and compares it with its view. On a machine with other work, ratios of single rounds range from 0.7 to 1.3.',
    },
    cpu: { what: 'CPU time of one change', unit: 'µs' },
    bytes: { what: 'bytes on the wire for one change', unit: 'bytes', goals: [goal('5,000')] },
  },
}
