import { Registry } from '@sd/core'
import { sqlite } from '@sd/sqlite'
import { cpuMs } from './time-calls.ts'

// Watches the service of a benchmark through the file named by the argument, and reports every change.
const [path = ''] = process.argv.slice(2)
const watcher = new Registry(sqlite({ path })).watch('orders')
process.on('disconnect', () => process.exit())

let usedMs = cpuMs()
for await (const event of watcher) {
  if (event.type === 'stale') continue
  if (event.type === 'sync') process.send?.('ready')
  else
    for (const { instance } of event.changes) {
      const { number, sentNs = '0' } = instance.metadata
      const tookMs = Number(process.hrtime.bigint() - BigInt(sentNs)) / 1e6
      const beforeMs = usedMs
      usedMs = cpuMs()
      process.send?.({ number: Number(number), tookMs, cpuMs: usedMs - beforeMs })
    }
}
