import { createRegistry } from '@sd/registry'
import { serveRegistered } from '../src/index.ts'
import { EchoServer } from '../test/support/echo-server.ts'

/** The options of a server process. */
export interface ServerOptions {
  readonly url: string
  readonly id: string
  readonly delayMs: number
}

// One registered server, which runs until it is killed.
const { url, id, delayMs } = JSON.parse(process.argv[2] ?? '{}') as ServerOptions
const registry = await createRegistry(url)
const { server } = EchoServer.create(id, { delayMs })
await serveRegistered(server, registry, { service: 'orders', id }, { listen: '127.0.0.1:0' })
process.send?.('ready')
