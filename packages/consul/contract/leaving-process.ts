import { Registry } from '@sd/core'
import { consul } from '../src/index.ts'

// The body of a process that registers, watches, reports it, and closes on request. It must then
// end
// by itself.
const { endpoint, ttlMs, closeTimeoutMs } = JSON.parse(process.argv[2] ?? '{}') as {
  endpoint: string
  ttlMs: number
  closeTimeoutMs: number
}
const registry = new Registry(consul({ endpoint, namespace: 'leaving' }), { ttlMs, closeTimeoutMs })
await registry.register({ service: 'orders', id: 'child', endpoints: ['http://10.0.0.7:8080'] })
const watcher = registry.watch('orders')
await watcher.next()
process.once('message', () => {
  process.disconnect()
  void registry.close()
})
process.send?.('registered')
