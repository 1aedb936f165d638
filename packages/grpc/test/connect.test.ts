import { setTimeout as delay } from 'node:timers/promises'
import { Code, ConnectError, createClient } from '@connectrpc/connect'
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node'
import type { Registration } from '@sd/core'
import { createCertificates } from '@sd/contract-tests/servers'
import { until } from '@sd/test-servers'
import { describe, expect, test, vi } from 'vitest'
import { serviceTransport, type ServiceTransportOptions } from '../src/connect/index.ts'
import { httpOrigin } from '../src/connect/instance-connection.ts'
import { ConnectEcho, ConnectEchoServer } from './support/connect-echo.ts'
import { World } from './support/world.ts'

// real servers, on a machine that may be busy
vi.setConfig({ testTimeout: 20_000 })

const service = 'orders'

const register = (
  world: World,
  { id, address }: ConnectEchoServer,
  scheme = 'grpc',
): Promise<Registration> =>
  world.registry.register({ service, id, endpoints: [`${scheme}://${address}`] })

const open = (world: World, options: Partial<ServiceTransportOptions> = {}) => {
  const transport = serviceTransport({ discovery: world.clientRegistry, service, ...options })
  return {
    transport,
    client: createClient(ConnectEcho, transport),
    [Symbol.dispose]: () => transport.close(),
  }
}

const refusal = async (call: Promise<unknown>): Promise<ConnectError> =>
  ConnectError.from(
    await call.then(
      (value) => value,
      (error: unknown) => error,
    ),
  )

describe('serviceTransport', () => {
  test('calls all instances, each over one session, by the name of the service', async () => {
    await using world = new World()
    await using a = await ConnectEchoServer.start('a')
    await using b = await ConnectEchoServer.start('b')
    await Promise.all([a, b].map((server) => register(world, server)))
    using caller = open(world)
    const answers = await Promise.all(Array.from({ length: 60 }, () => caller.client.whoAmI({})))
    expect(new Set(answers.map(({ value }) => value))).toEqual(new Set(['a', 'b']))
    expect(Math.min(a.calls, b.calls)).toBeGreaterThan(20)
    expect([a.connections, b.connections, caller.transport.connections]).toEqual([1, 1, 2])
    expect(new Set([...a.hosts, ...b.hosts])).toEqual(new Set(['orders']))
  })

  test('speaks the protocol that createTransport makes, with interceptors', async () => {
    await using world = new World()
    await using a = await ConnectEchoServer.start('a')
    await register(world, a, 'http')
    const seen: string[] = []
    using caller = open(world, {
      createTransport: (options) =>
        createConnectTransport({
          ...options,
          interceptors: [
            (next) => (request) => {
              seen.push(request.url)
              return next(request)
            },
          ],
        }),
    })
    expect((await caller.client.whoAmI({})).value).toBe('a')
    expect(seen).toEqual([`http://${a.address}/test.Echo/WhoAmI`])
  })

  test('streams both ways', async () => {
    await using world = new World()
    await using a = await ConnectEchoServer.start('a')
    await register(world, a)
    using caller = open(world)
    const counted: string[] = []
    for await (const { value } of caller.client.count({ value: '3' })) counted.push(value)
    expect(counted).toEqual(['a', 'a', 'a'])
    const told: string[] = []
    const requests = async function* () {
      yield { value: '1' }
      yield { value: '2' }
    }
    for await (const { value } of caller.client.chat(requests())) told.push(value)
    expect(told).toEqual(['a 1', 'a 2'])
  })

  test('over TLS the certificate must be for the authority', async () => {
    await using world = new World()
    const { ca, server } = await createCertificates()
    await using a = await ConnectEchoServer.start('a', server)
    await register(world, a, 'grpcs')
    using named = open(world, { authority: 'localhost', http2: { ca } })
    expect((await named.client.whoAmI({})).value).toBe('a')
    using addressed = open(world, { authority: '127.0.0.1:9090', http2: { ca } })
    expect((await addressed.client.whoAmI({})).value).toBe('a')
    expect(a.hosts).toEqual(['localhost', '127.0.0.1:9090'])
    using byService = open(world, { http2: { ca } })
    const refused = await refusal(byService.client.whoAmI({}))
    expect(refused.code).toBe(Code.Unavailable)
    expect(refused.message).toContain(`cannot connect to a at grpcs://${a.address}`)
    expect(refused.message).toContain("Host: orders. is not in the cert's altnames")
  })
})

describe('when instances are removed', () => {
  test('a stream on a removed one runs to its end, then the session is closed', async () => {
    await using world = new World()
    await using a = await ConnectEchoServer.start('a')
    await using b = await ConnectEchoServer.start('b')
    const [first] = await Promise.all([register(world, a), register(world, b)])
    using caller = open(world, { balancer: { filter: { predicate: ({ id }) => id === 'a' } } })
    const opened: number[] = []
    for await (const _ of caller.client.count({ value: '40' })) {
      if (opened.length === 3) {
        await first.deregister()
        await until('the instance is removed', () => caller.transport.connections === 0)
      }
      opened.push(a.open)
    }
    expect(opened).toEqual(Array(40).fill(1))
    await until('the session is closed', () => a.open === 0)
  })

  test('an idle session of a removed one is closed at once, and all are closed with the transport', async () => {
    await using world = new World()
    await using a = await ConnectEchoServer.start('a')
    await using b = await ConnectEchoServer.start('b')
    const [first] = await Promise.all([register(world, a), register(world, b)])
    using caller = open(world, { balancer: { strategy: 'round-robin' } })
    await caller.client.whoAmI({})
    await caller.client.whoAmI({})
    expect([a.open, b.open]).toEqual([1, 1])
    await first.deregister()
    await until('its session is closed', () => a.open === 0)
    expect((await caller.client.whoAmI({})).value).toBe('b')
    caller.transport.close()
    await until('the other one as well', () => b.open === 0)
    expect((await refusal(caller.client.whoAmI({}))).code).toBe(Code.Canceled)
    expect(world.clientRegistry.health().watches).toEqual([])
  })

  test('calls the known instances while the registry is unreachable', async () => {
    await using world = new World({ ttlMs: 1_000 })
    await using a = await ConnectEchoServer.start('a')
    await register(world, a)
    using caller = open(world)
    await caller.client.whoAmI({})
    world.faults.stop()
    await until(
      'the view is stale',
      () => world.clientRegistry.health().watches[0]?.stale !== undefined,
    )
    expect((await caller.client.whoAmI({})).value).toBe('a')
    world.faults.start()
  })
})

describe('retries', () => {
  test('of any method go to another instance without a connection, and the balancer avoids the first for a while', async () => {
    await using world = new World()
    await using a = await ConnectEchoServer.start('a')
    await using dead = await ConnectEchoServer.start('dead')
    dead.crash()
    await Promise.all([register(world, a), register(world, dead)])
    using caller = open(world, { balancer: { strategy: 'round-robin' } })
    for (let call = 0; call < 10; call += 1)
      expect((await caller.client.charge({})).value).toBe('a')
    expect(caller.transport.connections).toBe(2)
  })

  test('repeat an idempotent method on another instance when the connection is lost', async () => {
    await using world = new World()
    await using a = await ConnectEchoServer.start('a')
    await using b = await ConnectEchoServer.start('b')
    a.delayMs = 5_000
    await Promise.all([register(world, a), register(world, b)])
    using caller = open(world, { balancer: { strategy: 'round-robin' } })
    const calls = Promise.all([caller.client.whoAmI({}), caller.client.whoAmI({})])
    await until('it works on one', () => a.calls === 1)
    a.crash()
    expect((await calls).map(({ value }) => value)).toEqual(['b', 'b'])
  })

  test('do not repeat another method: the error says what happened', async () => {
    await using world = new World()
    await using a = await ConnectEchoServer.start('a')
    await using b = await ConnectEchoServer.start('b')
    a.delayMs = 5_000
    await Promise.all([register(world, a), register(world, b)])
    using caller = open(world, { balancer: { strategy: 'round-robin' } })
    const calls = Promise.all([1, 2].map(() => refusal(caller.client.charge({}))))
    await until('it works on one', () => a.calls === 1)
    a.crash()
    const failed = (await calls).filter(({ code }) => code === Code.Unavailable)
    expect(failed).toHaveLength(1)
    expect(failed[0]?.message).toContain(`the connection to a at grpc://${a.address} was lost`)
    expect(b.calls).toBe(1)
  })

  test('stop at maxAttempts, or at once when it is 1', async () => {
    await using world = new World()
    const servers = await Promise.all(['a', 'b', 'c', 'd'].map((id) => ConnectEchoServer.start(id)))
    await using stack = new AsyncDisposableStack()
    for (const server of servers) {
      stack.use(server)
      server.fail = Code.Unavailable
      await register(world, server)
    }
    const calls = (): number => servers.reduce((sum, server) => sum + server.calls, 0)
    using caller = open(world)
    expect((await refusal(caller.client.whoAmI({}))).rawMessage).toBe('as asked for')
    expect(calls()).toBe(3)
    expect((await refusal(caller.client.charge({}))).code).toBe(Code.Unavailable)
    expect(calls()).toBe(4)
    using single = open(world, { maxAttempts: 1 })
    await refusal(single.client.whoAmI({}))
    expect(calls()).toBe(5)
    for (const server of servers) server.fail = Code.InvalidArgument
    expect((await refusal(caller.client.whoAmI({}))).code).toBe(Code.InvalidArgument)
    expect(calls()).toBe(6)
  })

  test('repeat a stream of which no message was read, and never one that has begun', async () => {
    await using world = new World()
    await using a = await ConnectEchoServer.start('a')
    await using dead = await ConnectEchoServer.start('dead')
    dead.crash()
    await Promise.all([register(world, a), register(world, dead)])
    using caller = open(world, { balancer: { strategy: 'round-robin' } })
    for (let call = 0; call < 4; call += 1) {
      const told: string[] = []
      const requests = async function* () {
        yield { value: '1' }
      }
      for await (const { value } of caller.client.chat(requests())) told.push(value)
      expect(told).toEqual(['a 1'])
    }
    const cut = (async () => {
      let seen = 0
      for await (const _ of caller.client.count({ value: '1000' })) {
        seen += 1
        if (seen === 3) a.crash()
      }
    })()
    expect((await refusal(cut)).code).toBe(Code.Unavailable)
  })

  test('a server that drains loses no call', async () => {
    await using world = new World()
    await using stack = new AsyncDisposableStack()
    const start = async (id: string) => {
      const server = stack.use(await ConnectEchoServer.start(id))
      server.delayMs = 3
      return { server, registration: await register(world, server) }
    }
    using caller = open(world)
    const serving = await Promise.all(['a', 'b', 'c'].map(start))
    const failed: string[] = []
    const end = new AbortController()
    const work = Array.from({ length: 20 }, async () => {
      while (!end.signal.aborted) {
        const answer = await refusal(
          caller.client.charge({}).then(({ value }) => new ConnectError(value)),
        )
        if (answer.code !== Code.Unknown) failed.push(answer.message)
      }
    })
    for (let round = 0; round < 20; round += 1) {
      const [old] = serving.splice(0, 1)
      serving.push(await start(`${round}`))
      await old?.registration.deregister()
      await delay(20)
      old?.server.drain()
    }
    end.abort()
    await Promise.all(work)
    expect(failed).toEqual([])
    await until('only serving instances have connections', () => caller.transport.connections <= 3)
  })
})

test.each([
  ['grpc://10.0.0.7:9090', 'http://10.0.0.7:9090'],
  ['grpcs://orders.example:443/', 'https://orders.example'],
  ['grpcs://orders.example', 'https://orders.example'],
  ['grpc://orders.example', 'http://orders.example:443'],
  ['grpc://[::1]:50051', 'http://[::1]:50051'],
  ['http://10.0.0.7/', 'http://10.0.0.7'],
])('%s is connected to as %s', (endpoint, origin) => {
  expect(httpOrigin(endpoint)).toBe(origin)
})

describe('errors', () => {
  test('say why there is no instance', async () => {
    await using world = new World()
    using caller = open(world)
    const none = await refusal(caller.client.whoAmI({}))
    expect(none.code).toBe(Code.Unavailable)
    expect(none.message).toContain('no instance is registered')
    await using a = await ConnectEchoServer.start('a')
    const registration = await world.registry.register({
      service,
      id: 'a',
      weight: 0,
      endpoints: [`grpc://${a.address}`],
    })
    await until('it says drained', async () =>
      (await refusal(caller.client.whoAmI({}))).message.includes('drained'),
    )
    await registration.deregister()
  })

  test('a call waits for the first answer of the registry, within its own deadline', async () => {
    await using world = new World()
    await using a = await ConnectEchoServer.start('a')
    await register(world, a)
    world.faults.pause()
    using caller = open(world)
    const late = await refusal(caller.client.whoAmI({}, { timeoutMs: 50 }))
    expect([late.code, late.rawMessage]).toEqual([
      Code.DeadlineExceeded,
      'the registry has not answered yet',
    ])
    const gone = await refusal(caller.client.whoAmI({}, { signal: AbortSignal.abort() }))
    expect(gone.code).toBe(Code.Canceled)
    const waiting = caller.client.whoAmI({})
    world.faults.resume()
    expect((await waiting).value).toBe('a')
  })

  test('a malformed endpoint of another program is skipped', async () => {
    await using world = new World()
    await using a = await ConnectEchoServer.start('a')
    await register(world, a)
    const wrong = { name: service, id: 'wrong', endpoints: ['grpc://h:99999'] }
    world.faults.writeRaw(service, 'wrong', Buffer.from(JSON.stringify(wrong)))
    using caller = open(world, { balancer: { strategy: 'round-robin' } })
    for (let call = 0; call < 5; call += 1) expect((await caller.client.whoAmI({})).value).toBe('a')
    expect((await world.clientRegistry.list(service)).map(({ id }) => id)).toContain('wrong')
  })

  test('an error of the call itself is not retried on another instance', async () => {
    await using world = new World()
    await using a = await ConnectEchoServer.start('a')
    await register(world, a)
    let made = 0
    using caller = open(world, {
      createTransport: (options) => {
        made += 1
        return createGrpcTransport({
          ...options,
          interceptors: [() => () => Promise.reject(new Error('an interceptor fails'))],
        })
      },
    })
    expect((await refusal(caller.client.whoAmI({}))).message).toContain('an interceptor fails')
    expect([made, a.calls]).toEqual([1, 0])
  })

  test.each([
    [{ schemes: [] }, 'schemes is a list'],
    [{ schemes: ['ftp'] }, 'expected some of grpc, grpcs, http, https'],
    [{ maxAttempts: 0 }, 'maxAttempts is 0'],
    [{ authority: 'a/b c' }, 'authority is "a/b c"'],
    [{ servic: 'x' }, 'option "servic" is unknown'],
    [{ balancer: { strategy: 'best' } }, 'strategy "best"'],
  ])('%j is refused before a watch is opened', async (options, message) => {
    await using world = new World()
    expect(() => open(world, options as object)).toThrow(message)
    expect(world.clientRegistry.health().watches).toEqual([])
  })
})
