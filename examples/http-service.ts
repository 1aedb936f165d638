// An HTTP service that registers when it listens and leaves before it stops: the order that loses
// no request. Asks itself once over the registry, then ends.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createRegistry } from '@sd/registry'

const server = createServer((_, response) => response.end('hello\n'))
server.listen(0, '127.0.0.1')
await new Promise((resolve) => server.once('listening', resolve))
const { port } = server.address() as AddressInfo

const registry = await createRegistry()
const registration = await registry.register({
  service: 'hello',
  endpoints: [`http://127.0.0.1:${port}`],
})

const [instance] = await registry.list('hello')
const response = await fetch(instance?.endpoints[0] ?? '')
console.log(`${instance?.id} says ${(await response.text()).trim()}`)

await registration.deregister() // first out of everybody's view
server.close() // then no new requests
await registry.close()
