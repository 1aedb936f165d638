import { once } from 'node:events'
import { Agent, get, type IncomingMessage } from 'node:http'
import {
  Client,
  credentials,
  Server,
  ServerCredentials,
  status,
  type ServerWritableStream,
} from '@grpc/grpc-js'
import { MemoryStore } from '@sd/memory'
import { createRegistry, type Registry } from '@sd/registry'
import fastify from 'fastify'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fastifyServer, grpcServer, runService } from '../src/index.ts'

let registry: Registry
beforeEach(async () => {
  registry = await createRegistry({ backend: 'memory', store: new MemoryStore() })
})
afterEach(() => registry.close())

const common = { propagationMs: 0, signals: [] }

test('Fastify answers requests in flight, and those that arrive on open connections during the drain', async () => {
  const release = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  const order: string[] = []
  const app = fastify()
  app.get('/slow', async () => {
    begun.resolve()
    await release.promise
    return 'slow'
  })
  app.get('/', async () => 'ok')
  app.addHook('onClose', async () => void order.push('onClose'))
  const service = await runService({
    registry,
    instance: { service: 'orders' },
    listen: fastifyServer(app, { host: '127.0.0.1' }),
    onStop: () => void order.push('onStop'),
    ...common,
  })
  const port = service.ports[0]?.port
  const agent = new Agent({ keepAlive: true })
  const ask = async (path: string): Promise<readonly [number | undefined, string]> => {
    const asked = get({ port, path, agent, host: '127.0.0.1' })
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    return [response.statusCode, (await response.toArray()).join('')]
  }
  expect(await ask('/')).toEqual([200, 'ok'])
  const slow = ask('/slow')
  await begun.promise
  const stopped = service.stop()
  release.resolve()
  expect(await slow).toEqual([200, 'slow'])
  expect((await stopped).exitCode).toBe(0)
  expect(order).toEqual(['onClose', 'onStop'])
  agent.destroy()
})

const text = { serialize: (value: string) => Buffer.from(value), deserialize: String }

describe('a gRPC server', () => {
  const start = async (drainMs: number) => {
    const begun = Promise.withResolvers<ServerWritableStream<string, string>>()
    const server = new Server()
    server.register(
      '/orders.Orders/Follow',
      (call: ServerWritableStream<string, string>) => {
        call.write('first')
        begun.resolve(call)
      },
      text.serialize,
      text.deserialize,
      'serverStream',
    )
    const service = await runService({
      registry,
      instance: { service: 'orders' },
      listen: grpcServer(server, {
        address: '127.0.0.1:0',
        credentials: ServerCredentials.createInsecure(),
      }),
      drainMs,
      ...common,
    })
    const address = `127.0.0.1:${service.ports[0]?.port}`
    expect(service.registration.instance.endpoints).toEqual([`grpc://${address}`])
    const client = new Client(address, credentials.createInsecure())
    const stream = client.makeServerStreamRequest(
      '/orders.Orders/Follow',
      text.serialize,
      text.deserialize,
      'all', // grpc-js treats an empty message as none
    )
    return { service, client, stream, call: await begun.promise }
  }

  test('lets its streams end', async () => {
    const { service, client, stream, call } = await start(10_000)
    const received = stream.toArray()
    const stopped = service.stop()
    call.write('last')
    call.end()
    expect(await received).toEqual(['first', 'last'])
    expect((await stopped).exitCode).toBe(0)
    client.close()
  })

  test('aborts the streams that last longer than its deadline', async () => {
    const { service, client, stream } = await start(50)
    const failed = once(stream.resume(), 'error')
    const { exitCode, errors } = await service.stop()
    expect(exitCode).toBe(1)
    expect(String(errors)).toBe('PhaseTimeoutError: drain did not end within 50 ms')
    expect((await failed)[0]).toMatchObject({ code: status.CANCELLED })
    client.close()
  })
})
