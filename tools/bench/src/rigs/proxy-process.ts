import { once } from 'node:events'
import { Agent, createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Registry } from '@sd/core'
import { Gateway } from '@sd/gateway'
import { memory, MemoryStore } from '@sd/memory'
import { createProxyServer } from 'http-proxy-3'
import { bareHandler } from './bare-handler.ts'
import { answerUse } from './process-use.ts'

// A proxy in front of one backend. Arguments: its kind and the backend's port. Tells its port.
const [kind, backend] = process.argv.slice(2)
const target = `http://127.0.0.1:${backend}`

const startGateway = async (): Promise<number> => {
  const registry = new Registry(memory({ store: new MemoryStore() }))
  await registry.register({ service: 'orders', endpoints: [target] })
  const gateway = new Gateway({ discovery: registry, routes: [{ service: 'orders' }] })
  return gateway.listen({ host: '127.0.0.1' })
}

const httpProxy3 = (): RequestListener => {
  const agent = new Agent({ keepAlive: true, maxSockets: 256 })
  const proxy = createProxyServer({ agent, target })
  return (request, response) => proxy.web(request, response)
}

const listen = async (handler: RequestListener): Promise<number> => {
  const server = createServer(handler)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const port = await (kind === 'gateway'
  ? startGateway()
  : listen(kind === 'bare' ? bareHandler(target) : httpProxy3()))
answerUse()
process.send?.(port)
