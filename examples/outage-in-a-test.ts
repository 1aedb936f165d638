// What a test of your own service can do: take the registry away from it, and give it back.
import { createRegistry } from '@sd/registry'
import { MemoryStore } from '@sd/memory'
import { MemoryFaults } from '@sd/memory/faults'

const store = new MemoryStore()
const faults = new MemoryFaults(store)
const registry = await createRegistry({ backend: 'memory', store, ttlMs: 1_000 })
await registry.register({ service: 'orders', endpoints: ['http://10.0.0.7:8080'] })

const watcher = registry.watch('orders')
await watcher.next()
faults.stop()
const stale = await watcher.next()
console.log(stale?.type, 'with', watcher.size, 'instance kept')
faults.start()
const fresh = await watcher.next()
console.log(fresh?.type, 'with', watcher.size)

await registry.close()
