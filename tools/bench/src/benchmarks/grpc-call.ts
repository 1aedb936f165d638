import { Client, credentials, Server, ServerCredentials } from '@grpc/grpc-js'
import { Registry } from '@sd/core'
import { registerResolver } from '@sd/grpc'
import { memory, MemoryStore } from '@sd/memory'
import type { Benchmark, Values } from '../frame/benchmark.ts'
import { repeated } from '../rigs/repeated.ts'
import { cpuMs } from '../rigs/time-calls.ts'

const instances = 10
const callsPerRound = 400
const atATime = 40
const [warmUp, rounds] = [15, 25]

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

const call = (client: Client): Promise<void> =>
  new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, bytes, bytes, Buffer.from('x'), (error) => {
      if (error === null) resolve()
      else reject(error)
    })
  })

const measure = async (client: Client): Promise<Values> => {
  const caller = async (): Promise<void> => {
    for (let calls = 0; calls < callsPerRound / atATime; calls += 1) await call(client)
  }
  const cpu: number[] = []
  const round = async (): Promise<number> => {
    const [beganMs, usedMs] = [performance.now(), cpuMs()]
    await Promise.all(Array.from({ length: atATime }, caller))
    cpu.push(cpuMs() - usedMs)
    return performance.now() - beganMs
  }
  const calls = await repeated(round, { warmUp, rounds })
  return { calls, cpu: cpu.slice(warmUp) }
}

const startServers = (): Promise<readonly string[]> =>
  Promise.all(
    Array.from({ length: instances }, async () => `127.0.0.1:${(await startServer()).port}`),
  )

const byAddress = async (): Promise<Values> =>
  measure(
    new Client(`ipv4:${(await startServers()).join(',')}`, credentials.createInsecure(), {
      'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
    }),
  )

const byName = async (): Promise<Values> => {
  const registry = new Registry(memory({ store: new MemoryStore() }))
  for (const [index, address] of (await startServers()).entries())
    await registry.register({
      service: 'bench',
      id: String(index),
      endpoints: [`grpc://${address}`],
    })
  registerResolver(registry)
  return measure(new Client('sd:///bench', credentials.createInsecure()))
}

const goal = { side: '@sd', against: 'round_robin', atMost: 1.15 } as const

export const benchmark: Benchmark = {
  title: 'gRPC calls by name',
  about:
    "Unary calls, 40 at a time, to ten servers in the same process: to `sd:///bench` through the policy of `@sd/grpc`, and through grpc-js's own `round_robin` over their addresses.",
  sides: { round_robin: { run: byAddress }, '@sd': { run: byName } },
  rows: {
    calls: { what: `${callsPerRound} calls`, unit: 'ms', goals: [goal] },
    cpu: {
      what: `CPU time of ${callsPerRound} calls, with the servers`,
      unit: 'ms',
      goals: [goal],
    },
  },
}
