import { type sendUnaryData, Server, ServerCredentials, type ServerUnaryCall } from '@grpc/grpc-js'
import { grpcServer } from '@sd/lifecycle'
import { echoMethod } from './echo-method.ts'
import { runOrders } from './run-orders.ts'

// A service of gRPC.
const server = new Server()
server.addService(
  { unary: echoMethod },
  {
    unary: (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) => {
      setTimeout(() => callback(null, call.request), 10)
    },
  },
)
await runOrders({
  listen: grpcServer(server, {
    address: '127.0.0.1:0',
    credentials: ServerCredentials.createInsecure(),
  }),
})
