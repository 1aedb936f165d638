import { Client, credentials, Server, ServerCredentials } from '@grpc/grpc-js'
import { Registry } from '@sd/core'
import { registerResolver } from '@sd/grpc'
import { memory, MemoryStore } from '@sd/memory'
import { compare, type Comparison, type Side } from './compare.ts'

const instances = 10
const callsPerRound = 400
const atATime = 40

const bytes = (value: Buffer): Buffer => value
const path = '/bench.Echo/Echo'

const startServer = (): Promise<{ readonly server: Server; readonly port: number }> =>
  new Promise((resolve, reject) => {
    const server = new Server()
    const method = {
      path,
      requestStream: false,
      responseStream: false,
      requestSerialize: bytes,
      requestDeserialize: bytes,
      responseSerialize: bytes,
      responseDeserialize: bytes,
    }
    server.addService(
      { Echo: method },
      {
        Echo: (
          call: { readonly request: Buffer },
          callback: (error: null, value: Buffer) => void,
        ) => callback(null, call.request),
      },
    )
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve({ server, port })
      else reject(error)
    })
  })

const round =
  (client: Client): Side =>
  async () => {
    const call = (): Promise<void> =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest(path, bytes, bytes, Buffer.from('x'), (error) => {
          if (error === null) resolve()
          else reject(error)
        })
      })
    const caller = async (): Promise<void> => {
      for (let calls = 0; calls < callsPerRound / atATime; calls += 1) await call()
    }
    const beganMs = performance.now()
    await Promise.all(Array.from({ length: atATime }, caller))
    return performance.now() - beganMs
  }

/**
 * Unary calls to ten servers on loopback: by name through the policy of `@sd/grpc`, against
 * grpc-js's round_robin.
 */
export const compareGrpcCost = async (): Promise<Comparison> => {
  const registry = new Registry(memory({ store: new MemoryStore() }))
  const servers = await Promise.all(Array.from({ length: instances }, startServer))
  const addresses = servers.map(({ port }) => `127.0.0.1:${port}`)
  for (const [index, address] of addresses.entries())
    await registry.register({
      service: 'bench',
      id: String(index),
      endpoints: [`grpc://${address}`],
    })
  using _ = registerResolver(registry)
  const insecure = credentials.createInsecure()
  const byName = new Client('sd:///bench', insecure)
  const byAddress = new Client(`ipv4:${addresses.join(',')}`, insecure, {
    'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
  })
  try {
    return await compare(
      `grpc: ${callsPerRound} calls to sd:///bench of ${instances} instances, against round_robin over their addresses`,
      1.15,
      round(byAddress),
      round(byName),
    )
  } finally {
    byName.close()
    byAddress.close()
    await registry.close()
    for (const { server } of servers) server.forceShutdown()
  }
}
