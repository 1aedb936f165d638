// What a user of the published packages writes first. Nothing here ends the process: it must end.
import { createRegistry } from '@sd/registry'

const registry = await createRegistry('memory:')
const watcher = registry.watch('orders')
const registration = await registry.register({
  service: 'orders',
  id: 'orders-1',
  endpoints: ['http://10.0.0.7:8080'],
})

let told = 0
for await (const event of watcher) {
  if (event.type === 'stale') continue
  for (const change of event.changes) {
    console.log(change.type, change.instance.id)
    told += 1
  }
  if (told === 1) await registration.deregister()
  if (told === 2) break
}

console.log(registration.status.state, (await registry.list('orders')).length)
await registry.register({ service: 'orders', endpoints: ['http://10.0.0.8:8080'] })
await registry.close()
console.log('closed')
