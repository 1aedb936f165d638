import { ServerCredentials } from '@grpc/grpc-js'
import { grpcServer, runService } from '@sd/lifecycle'
import { createRegistry } from '@sd/registry'
import { EchoServer } from '../test/support/echo-server.ts'

// A service that leaves in order on SIGTERM. Arguments: the registry's URL and an id.
const [url, id = ''] = process.argv.slice(2)
const { server } = EchoServer.create(id, { delayMs: 10 })
const service = await runService({
  registry: await createRegistry(url),
  instance: { service: 'orders', id },
  // this machine may be busy, and a removal that comes late would fail the restart
  deregisterTimeoutMs: 10_000,
  listen: grpcServer(server, {
    address: '127.0.0.1:0',
    credentials: ServerCredentials.createInsecure(),
  }),
})
for await (const { state } of service.registration.statuses()) if (state === 'registered') break
console.log('registered')
