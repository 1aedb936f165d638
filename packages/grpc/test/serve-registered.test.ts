import { logVerbosity, ServerCredentials, setLogVerbosity } from '@grpc/grpc-js'
import { createCertificates } from '@sd/contract-tests/servers'
import { until } from '@sd/test-servers'
import { describe, expect, test, vi } from 'vitest'
import { type ServeOptions, serveRegistered } from '../src/index.ts'
import { advertisedEndpoint } from '../src/serve/serve-options.ts'
import { EchoClient } from './support/echo-client.ts'
import { EchoServer } from './support/echo-server.ts'
import { HealthClient } from './support/health-client.ts'
import { World } from './support/world.ts'

// real servers, on a machine that may be busy
vi.setConfig({ testTimeout: 20_000 })

// one test makes a bind fail, which grpc-js logs
setLogVerbosity(logVerbosity.NONE)

const orders = { service: 'orders', id: 'a' }
const listen = '127.0.0.1:0'

const listed = async (world: World): Promise<readonly string[]> =>
  (await world.clientRegistry.list('orders')).flatMap(({ endpoints }) => endpoints)

describe('serveRegistered', () => {
  test('binds, registers its endpoint before further ones, and serves', async () => {
    await using world = new World()
    const { server } = EchoServer.create('a')
    const instance = { ...orders, version: '1.2.0', endpoints: ['http://127.0.0.1:8080'] }
    await using served = await serveRegistered(server, world.registry, instance, {
      listen,
      propagationMs: 0,
    })
    expect(served.endpoint).toBe(`grpc://127.0.0.1:${served.port}`)
    expect(await listed(world)).toEqual([served.endpoint, 'http://127.0.0.1:8080'])
    using client = new EchoClient(`${world.resolve()}:///orders?version=^1`)
    expect(await client.call()).toBe('a')
  })

  test('with TLS the endpoint is grpcs://', async () => {
    await using world = new World()
    const { server: pair } = await createCertificates()
    const { server } = EchoServer.create('a')
    await using served = await serveRegistered(server, world.registry, orders, {
      listen,
      propagationMs: 0,
      credentials: ServerCredentials.createSsl(null, [
        { cert_chain: Buffer.from(pair.cert), private_key: Buffer.from(pair.key) },
      ]),
    })
    expect(served.endpoint).toBe(`grpcs://127.0.0.1:${served.port}`)
  })

  test('serves while the registry is unreachable, and registers when it is back', async () => {
    await using world = new World()
    world.faults.stop()
    const { server } = EchoServer.create('a')
    await using served = await serveRegistered(server, world.registry, orders, {
      listen,
      propagationMs: 0,
      register: { waitFor: 'accepted' },
    })
    using client = new EchoClient(`127.0.0.1:${served.port}`)
    expect(await client.call()).toBe('a')
    using health = new HealthClient(`127.0.0.1:${served.port}`)
    expect(await health.check()).toBe('NOT_SERVING')
    world.faults.start()
    await until('it is registered', async () => (await health.check()) === 'SERVING')
    expect(await listed(world)).toEqual([served.endpoint])
  })
})

describe('stop', () => {
  test('deregisters, continues to serve, finishes calls in flight, and stops once for repeated calls', async () => {
    await using world = new World()
    const { server } = EchoServer.create('a', { delayMs: 150 })
    const served = await serveRegistered(server, world.registry, orders, {
      listen,
      propagationMs: 500,
    })
    using client = new EchoClient(`127.0.0.1:${served.port}`)
    using health = new HealthClient(`127.0.0.1:${served.port}`)
    expect(await health.check('orders')).toBe('SERVING')
    const watch = health.watch()
    await until('the watch has begun', () => watch.told.length === 1)
    const before = client.call()
    const stopping = served.stop()
    expect(served.stop()).toBe(stopping)
    await until('it is deregistered', async () => (await listed(world)).length === 0)
    expect(await health.check()).toBe('NOT_SERVING')
    // a client that does not know of the removal yet
    expect(await client.call()).toBe('a')
    const stream = client.count(60)
    expect(await before).toBe('a')
    expect(await stopping).toEqual({ deregistered: true, drained: true })
    expect(await stream).toBe('OK after 60')
    await until('the watch of the health has ended', () => watch.told.at(-1) === 'OK')
    expect(watch.told).toEqual(['SERVING', 'NOT_SERVING', 'OK'])
    expect(await client.call()).toContain('ECONNREFUSED')
    await served[Symbol.asyncDispose]()
    expect(served.registration.status.state).toBe('closed')
  })

  test('cuts calls that take longer than drainMs', async () => {
    await using world = new World()
    const { server } = EchoServer.create('a')
    const served = await serveRegistered(server, world.registry, orders, {
      listen,
      propagationMs: 0,
      drainMs: 100,
    })
    using client = new EchoClient(`127.0.0.1:${served.port}`)
    const stream = client.count(10_000)
    expect(await client.call()).toBe('a')
    expect(await served.stop()).toEqual({ deregistered: true, drained: false })
    expect(await stream).toMatch(/^(?:CANCELLED|UNAVAILABLE) after \d+$/)
  })

  test('waits for an unreachable registry no longer than deregisterMs', async () => {
    await using world = new World()
    const { server } = EchoServer.create('a')
    const served = await serveRegistered(server, world.registry, orders, {
      listen,
      deregisterMs: 50,
      propagationMs: 0,
    })
    world.faults.stop()
    expect(await served.stop()).toEqual({ deregistered: false, drained: true })
    world.faults.start()
    await until(
      'it is deregistered when the registry is back',
      async () => (await listed(world)).length === 0,
    )
  })
})

describe('health', () => {
  test('stays SERVING while the registry is unreachable, and NOT_SERVING after a takeover', async () => {
    await using world = new World({ ttlMs: 1_000 })
    const { server } = EchoServer.create('a')
    await using served = await serveRegistered(server, world.registry, orders, {
      listen,
      propagationMs: 0,
      health: ['orders.v1.Orders'],
    })
    using health = new HealthClient(`127.0.0.1:${served.port}`)
    expect(await health.check('orders.v1.Orders')).toBe('SERVING')
    world.faults.stop()
    await until('it recovers', () => served.registration.status.state === 'recovering')
    expect(await health.check()).toBe('SERVING')
    world.faults.start()
    await until('it is back', () => served.registration.status.state === 'registered')
    await world.clientRegistry.register({ ...orders, endpoints: ['grpc://127.0.0.1:1'] })
    await until('another owner has the id', async () => (await health.check()) === 'NOT_SERVING')
    expect(served.registration.status.state).toBe('superseded')
  })

  test('can be left to the server', async () => {
    await using world = new World()
    const { server } = EchoServer.create('a')
    await using served = await serveRegistered(server, world.registry, orders, {
      listen,
      propagationMs: 0,
      health: false,
    })
    expect(served.health).toBeUndefined()
    using health = new HealthClient(`127.0.0.1:${served.port}`)
    expect(await health.check()).toContain('UNIMPLEMENTED')
  })
})

describe('a failed start:', () => {
  test('an address in use is named, and nothing is registered', async () => {
    await using world = new World()
    await using other = await EchoServer.start('other')
    const { server } = EchoServer.create('a')
    await expect(
      serveRegistered(server, world.registry, orders, { listen: other.address }),
    ).rejects.toThrow(`[invalid-argument] serve orders: cannot listen on ${other.address}:`)
    expect(await listed(world)).toEqual([])
    await using served = await serveRegistered(server, world.registry, orders, {
      listen,
      propagationMs: 0,
    })
    expect(await listed(world)).toEqual([served.endpoint])
  })

  test('a refused registration shuts the server down', async () => {
    await using world = new World()
    await world.clientRegistry.register({ ...orders, endpoints: ['grpc://127.0.0.1:1'] })
    const echo = EchoServer.create('a')
    await expect(
      serveRegistered(echo.server, world.registry, orders, {
        listen,
        register: { onConflict: 'reject' },
      }),
    ).rejects.toMatchObject({ code: 'conflict' })
    expect(() =>
      echo.server.bindAsync(listen, ServerCredentials.createInsecure(), () => {}),
    ).toThrow('after shutdown')
  })

  test.each<[ServeOptions, string]>([
    [{ drainMs: -1 }, 'drainMs is -1; expected 0 to 2147483647'],
    [{ drain: 1 } as ServeOptions, 'option "drain" is unknown; expected listen, credentials'],
    [{ advertise: 'a b' }, 'advertise is "a b"; expected a host, host:port, or grpc://host:port'],
    [{ advertise: 'grpc://h' }, 'advertise is "grpc://h"'],
  ])('%j is refused before anything is bound', async (options, message) => {
    await using world = new World()
    const { server } = EchoServer.create('a')
    await expect(
      serveRegistered(server, world.registry, orders, { listen, ...options }),
    ).rejects.toThrow(message)
  })
})

test.each<[ServeOptions, string]>([
  [{ listen: '10.0.0.7:0' }, 'grpc://10.0.0.7:9090'],
  [{ listen: '[::1]:0' }, 'grpc://[::1]:9090'],
  [{ advertise: '10.0.0.7' }, 'grpc://10.0.0.7:9090'],
  [{ advertise: '10.0.0.7:31000' }, 'grpc://10.0.0.7:31000'],
  [{ advertise: '[2001:db8::1]' }, 'grpc://[2001:db8::1]:9090'],
  [{ advertise: '[2001:db8::1]:31000' }, 'grpc://[2001:db8::1]:31000'],
  [{ advertise: 'grpcs://orders.example:443' }, 'grpcs://orders.example:443'],
])('%j, bound to port 9090, is registered as %s', (options, endpoint) => {
  expect(advertisedEndpoint('orders', options, 9090)).toBe(endpoint)
})
