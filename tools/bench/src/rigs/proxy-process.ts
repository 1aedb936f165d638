import { once } from 'node:events'
import { Agent, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Registry } from '@sd/core'
import { Gateway } from '@sd/gateway'
import { memory, MemoryStore } from '@sd/memory'
import { createProxyServer } from 'http-proxy-3'

// A proxy in front of one backend. Arguments: its kind and the backend's port. Answers each message with
// the CPU time of this process in milliseconds.
const [kind, backend] = process.argv.slice(2)
const target = `http://127.0.0.1:${backend}`

const startGateway = async (): Promise<number> => {
  const registry = new Registry(memory({ store: new MemoryStore() }))
  await registry.register({ service: 'orders', endpoints: [target] })
  const gateway = new Gateway({ discovery: registry, routes: [{ service: 'orders' }] })
  return gateway.listen({ host: '127.0.0.1' })
}

const startOther = async (): Promise<number> => {
  const agent = new Agent({ keepAlive: true, maxSockets: 256 })
  const proxy = createProxyServer({ agent, target })
  const server = createServer((request, response) => proxy.web(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const port = await (kind === 'gateway' ? startGateway() : startOther())
process.on('disconnect', () => process.exit())
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send?.((user + system) / 1_000)
})
process.send?.(port)
