// A gRPC service. On SIGTERM it leaves the registry, serves until callers know, and ends.
import { Server, ServerCredentials, type sendUnaryData, type ServerUnaryCall } from '@grpc/grpc-js'
import { grpcServer, runService } from '@sd/lifecycle'
import { createRegistry } from '@sd/registry'
import { type Price, type PriceRequest, pricesDefinition } from './prices-protocol.ts'

const instance = `prices-${process.pid}`
const server = new Server()
server.addService(pricesDefinition, {
  priceOf: (call: ServerUnaryCall<PriceRequest, Price>, answer: sendUnaryData<Price>): void =>
    answer(null, { cents: 100 * call.request.article.length, instance }),
})

await runService({
  registry: await createRegistry(),
  instance: { service: 'prices', id: instance },
  listen: grpcServer(server, {
    address: '127.0.0.1:0',
    credentials: ServerCredentials.createInsecure(),
  }),
})
