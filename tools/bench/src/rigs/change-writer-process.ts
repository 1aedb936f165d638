import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Etcd3 } from 'etcd3'
import type { ChangeOrder } from './change-writer.ts'
import { documentOf } from './etcd-records.ts'

// Changes instances on etcd for a watcher in another process. Each change carries the moment before it
// was sent.
const [endpoint = ''] = process.argv.slice(2)
const client = new Etcd3({ hosts: `http://${endpoint}` })

const write = async ({ round, count, everyMs, atATime, keyOf }: ChangeOrder): Promise<void> => {
  let next = 0
  const writer = async (): Promise<void> => {
    while (next < count) {
      const number = next++
      const index = keyOf.index + (number % keyOf.instances)
      const sentNs = String(process.hrtime.bigint())
      const metadata = { round: String(round), number: String(number), sentNs }
      await client.kv.put({
        key: Buffer.from(keyOf.prefixes[number % keyOf.prefixes.length] + `i${index}`),
        value: Buffer.from(documentOf(index, metadata)),
      })
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
