import { setTimeout as delay } from 'node:timers/promises'
import { createClient } from '@connectrpc/connect'
import { Registry } from '@sd/core'
import { memory, MemoryStore } from '@sd/memory'
import { serviceTransport } from '../src/connect/index.ts'
import { registerResolver } from '../src/index.ts'
import { ConnectEcho } from '../test/support/connect-echo.ts'
import { EchoClient } from '../test/support/echo-client.ts'
import { EchoServer } from '../test/support/echo-server.ts'

/** The resources of a process after instances were added and removed. */
export interface Remains {
  readonly heapBytes: number
  /** TCP sockets, of clients and servers. */
  readonly sockets: number
  /** Open watches. */
  readonly watches: number
}

// The body of a process in which instances are replaced during calls of both clients. It ends by
// itself
// once everything is closed. Run with --expose-gc.
const registry = new Registry(memory({ store: new MemoryStore() }))
registerResolver(registry)
const client = new EchoClient('sd:///orders')
const transport = serviceTransport({ discovery: registry, service: 'orders' })
const connect = createClient(ConnectEcho, transport)

const churn = async (instances: number): Promise<void> => {
  for (let made = 0; made < instances; made += 1) {
    const server = await EchoServer.start(String(made))
    const registration = await registry.register({
      service: 'orders',
      endpoints: [`grpc://${server.address}`],
    })
    await client.burst(10)
    // the echo service accepts any bytes; only the call itself matters here
    await Promise.allSettled([1, 2, 3].map(() => connect.charge({})))
    await registration.deregister()
    await server.stop()
  }
}

const socketsOpen = (): number =>
  process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length

/** After grpc-js has closed unused connections, which it does every 10 s. */
const remains = async (): Promise<Remains> => {
  const end = performance.now() + 25_000
  while (socketsOpen() > 0 && performance.now() < end) await delay(100)
  globalThis.gc?.()
  const { heapUsed: heapBytes } = process.memoryUsage()
  return { heapBytes, sockets: socketsOpen(), watches: registry.health().watches.length }
}

await churn(60)
process.send?.(await remains())
await churn(120)
process.send?.(await remains())
client.client.close()
transport.close()
process.send?.(await remains())
await registry.close()
process.disconnect()
