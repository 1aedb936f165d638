import { Server, ServerCredentials } from '@grpc/grpc-js'
import { Registry } from '@sd/core'
import { memory, MemoryStore } from '@sd/memory'
import { until } from '@sd/test-servers'
import { expect, test, vi } from 'vitest'
import { HealthService } from '../src/index.ts'
import { EchoServer } from './support/echo-server.ts'

// real servers, on a machine that may be busy
vi.setConfig({ testTimeout: 20_000 })

const register = async (check: { readonly grpc: string; readonly service?: string }) => {
  const registry = new Registry(memory({ store: new MemoryStore() }))
  const registration = await registry.register(
    { service: 'orders', endpoints: ['grpc://127.0.0.1:9090'] },
    // a check may take as long as its interval
    { check, intervalMs: 1_000, failuresBeforeFailing: 1 },
  )
  const failure = (): string | undefined =>
    registry.health().registrations[0]?.checkFailure?.message
  return { registration, failure, [Symbol.asyncDispose]: () => registry.close() }
}

test('a check of grpc.health.v1 follows what a grpc-js server reports', async () => {
  const echo = EchoServer.create('a')
  await using _ = echo
  const health = new HealthService(['orders.v1.Orders'])
  health.addTo(echo.server)
  await echo.listen()
  health.set('SERVING')
  await using server = await register({ grpc: echo.address })
  await using orders = await register({
    grpc: `grpc://${echo.address}`,
    service: 'orders.v1.Orders',
  })
  await using unknown = await register({ grpc: echo.address, service: 'x'.repeat(300) })
  expect(server.registration.instance.health).toBe('passing')
  expect(orders.registration.instance.health).toBe('passing')
  expect(unknown.registration.instance.health).toBe('failing')
  expect(unknown.failure()).toContain('answers with the gRPC status 5')
  health.set('NOT_SERVING')
  await until('both follow', () =>
    [server, orders].every(({ registration }) => registration.instance.health === 'failing'),
  )
  expect(server.failure()).toContain('says that the server is not serving')
  expect(orders.failure()).toContain('says that service "orders.v1.Orders" is not serving')
  health.set('SERVING')
  await until('both return', () =>
    [server, orders].every(({ registration }) => registration.instance.health === 'passing'),
  )
})

test('a server without the health service fails, and says so', async () => {
  const server = new Server()
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    )
  })
  await using bare = await register({ grpc: `127.0.0.1:${port}` })
  expect(bare.failure()).toContain('has no health service (grpc.health.v1)')
  server.forceShutdown()
})
