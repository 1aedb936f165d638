import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Etcd3 } from 'etcd3'
import type { ChangeOrder } from './change-writer.ts'
import { documentOf } from './etcd-records.ts'
import { done, openRawZooKeeper } from './open-zookeeper.ts'

// Changes instances on etcd or ZooKeeper for a watcher in another process. Each change carries the moment
// before it was sent.
const [server, endpoint = ''] = process.argv.slice(2)

type Put = (key: string, value: string) => Promise<unknown>

const putInEtcd = (): Put => {
  const client = new Etcd3({ hosts: `http://${endpoint}` })
  return (key, value) => client.kv.put({ key: Buffer.from(key), value: Buffer.from(value) })
}

const putInZooKeeper = async (): Promise<Put> => {
  const client = await openRawZooKeeper(endpoint)
  return (key, value) =>
    done<unknown>((callback) => client.setData(key, Buffer.from(value), -1, callback))
}

const put = server === 'zookeeper' ? await putInZooKeeper() : putInEtcd()

const write = async ({ round, count, everyMs, atATime, keyOf }: ChangeOrder): Promise<void> => {
  let next = 0
  const writer = async (): Promise<void> => {
    while (next < count) {
      const number = next++
      const index = keyOf.index + (number % keyOf.instances)
      const sentNs = String(process.hrtime.bigint())
      const metadata = { round: String(round), number: String(number), sentNs }
      const prefix = keyOf.prefixes[number % keyOf.prefixes.length] ?? ''
      const service = prefix.split('/').at(-2)
      await put(`${prefix}i${index}`, documentOf(index, metadata, service))
      if (everyMs > 0) await sleep(everyMs)
    }
  }
  await Promise.all(Array.from({ length: atATime }, writer))
}

process.on('disconnect', () => process.exit())
for (;;) {
  const [order] = (await once(process, 'message')) as [ChangeOrder]
  await write(order)
  process.send?.('written')
}
