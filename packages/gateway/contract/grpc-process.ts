import { type sendUnaryData, Server, ServerCredentials, type ServerUnaryCall } from '@grpc/grpc-js'
import { grpcServer, runService } from '@sd/lifecycle'
import { createRegistry } from '@sd/registry'
import { echoMethod } from './echo-method.ts'

// A service of gRPC that leaves in order on SIGTERM. Arguments: the registry's URL and an id.
const [url, id = ''] = process.argv.slice(2)
const server = new Server()
server.addService(
  { unary: echoMethod },
  {
    unary: (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) => {
      setTimeout(() => callback(null, call.request), 10)
    },
  },
)
const service = await runService({
  registry: await createRegistry(url),
  instance: { service: 'orders', id },
  listen: grpcServer(server, {
    address: '127.0.0.1:0',
    credentials: ServerCredentials.createInsecure(),
  }),
})
for await (const { state } of service.registration.statuses()) if (state === 'registered') break
console.log('registered')
