// A Fastify application as a process; reports what happens to its parent.
import { once } from 'node:events'
import { createRegistry } from '@sd/registry'
import fastify from 'fastify'
import { serviceDiscovery } from '../../src/index.ts'

const app = fastify()
app.get('/slow', async () => {
  console.log('begun')
  await once(process, 'message')
  return 'slow'
})
app.addHook('onClose', async () => console.log('onClose'))
await app.register(serviceDiscovery, {
  registry: (logger) => createRegistry({ backend: 'memory', logger }),
  instance: { service: 'orders' },
  propagationMs: 50,
  onPhase: ({ phase }) => console.log(phase),
})
await app.listen({ port: 0, host: '127.0.0.1' })
console.log(`listening ${(await app.registered)?.instance.endpoints[0]}`)
