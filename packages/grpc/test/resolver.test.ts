import { setTimeout as delay } from 'node:timers/promises'
import { Metadata } from '@grpc/grpc-js'
import { TcpProxy } from '@sd/contract-tests/servers'
import { until } from '@sd/test-servers'
import { createChannel, createClientFactory } from 'nice-grpc'
import { describe, expect, test, vi } from 'vitest'
import { EchoClient } from './support/echo-client.ts'
import { EchoServer } from './support/echo-server.ts'
import { register, World } from './support/world.ts'

// real servers, on a machine that may be busy
vi.setConfig({ testTimeout: 20_000 })

const three = async (stack: AsyncDisposableStack, world: World): Promise<EchoServer[]> => {
  const servers = await Promise.all(['a', 'b', 'c'].map((id) => EchoServer.start(id)))
  await Promise.all(
    servers.map((server) => {
      stack.use(server)
      return register(world, server)
    }),
  )
  return servers
}
const calls = (servers: readonly EchoServer[]): readonly number[] =>
  servers.map((server) => server.calls)
const connections = (servers: readonly EchoServer[]): number =>
  servers.reduce((sum, server) => sum + server.connections, 0)

describe('a target sd:///orders', () => {
  test('distributes the first calls of a channel over all instances, each with one connection', async () => {
    await using world = new World()
    await using stack = new AsyncDisposableStack()
    const servers = await three(stack, world)
    using client = new EchoClient(`${world.resolve()}:///orders`)
    const first = await client.burst(60)
    expect(Object.keys(first).toSorted()).toEqual(['a', 'b', 'c'])
    expect(Math.max(...Object.values(first))).toBeLessThan(40)
    expect(servers.map((server) => server.connections)).toEqual([1, 1, 1])
    expect(new Set(servers.flatMap(({ hosts }) => hosts))).toEqual(new Set(['orders']))
  })

  test('works with nice-grpc', async () => {
    await using world = new World()
    await using stack = new AsyncDisposableStack()
    await three(stack, world)
    const channel = createChannel(`${world.resolve()}:///orders`)
    stack.defer(() => channel.close())
    const bytes = (value: Buffer): Buffer => value
    const definition = {
      whoAmI: {
        path: '/test.Echo/WhoAmI',
        requestStream: false,
        responseStream: false,
        requestSerialize: bytes,
        requestDeserialize: bytes,
        responseSerialize: bytes,
        responseDeserialize: bytes,
        options: {},
      },
    } as const
    const client = createClientFactory().create(definition, channel)
    const answers = await Promise.all(
      Array.from({ length: 30 }, () => client.whoAmI(Buffer.alloc(0))),
    )
    expect(new Set(answers.map(String))).toEqual(new Set(['a', 'b', 'c']))
  })

  test('decodes the service, filters by the query, and takes the key from metadata', async () => {
    await using world = new World()
    await using stack = new AsyncDisposableStack()
    const servers = await Promise.all(['a', 'b', 'c'].map((id) => EchoServer.start(id)))
    for (const [index, server] of servers.entries()) {
      stack.use(server)
      await register(world, server, {
        service: 'team/orders ü',
        version: `${index + 1}.0.0`,
        tags: index === 0 ? [] : ['canary'],
        metadata: { shard: String(index) },
      })
    }
    const scheme = world.resolve()
    const of = async (query: string): Promise<readonly string[]> => {
      using client = new EchoClient(`${scheme}:///team%2Forders%20%C3%BC${query}`)
      return Object.keys(await client.burst(30)).toSorted()
    }
    expect(await of('')).toEqual(['a', 'b', 'c'])
    expect(await of('?version=%3C3&tag=canary')).toEqual(['b'])
    expect(await of('?metadata.shard=2')).toEqual(['c'])
    const chosen = await of('?subset=1')
    expect(chosen).toHaveLength(1)
    expect(await of('?subset=1')).toEqual(chosen)
    using keyed = new EchoClient(
      `${scheme}:///team%2Forders%20%C3%BC?strategy=consistent-hash&key=x-user`,
    )
    const metadata = new Metadata()
    metadata.set('x-user', 'alice')
    const answers = new Set<string>()
    for (let call = 0; call < 20; call += 1) answers.add(await keyed.call({}, metadata))
    expect(answers.size).toBe(1)
  })
})

describe('changes', () => {
  test('a weight that changes 1,000 times opens no new connection, and shares follow it', async () => {
    await using world = new World()
    await using stack = new AsyncDisposableStack()
    const servers = await three(stack, world)
    const registrations = await Promise.all(servers.map((server) => register(world, server)))
    using client = new EchoClient(`${world.resolve()}:///orders?strategy=weighted`)
    await client.burst(9)
    for (let weight = 1; weight <= 1_000; weight += 1)
      await registrations[weight % 3]?.update({ weight })
    await Promise.all(
      [300, 100, 0].map(async (weight, index) => registrations[index]?.update({ weight })),
    )
    await until('the drained one gets no calls', async () => {
      const before = servers[2]?.calls
      await client.burst(10)
      return servers[2]?.calls === before
    })
    for (const server of servers) server.calls = 0
    await client.burst(400)
    expect(calls(servers)).toEqual([300, 100, 0])
    expect(connections(servers)).toBe(3)
  })

  test('added instances are connected, removed ones released; a stream on a removed one continues', async () => {
    await using world = new World()
    await using a = await EchoServer.start('a')
    await using b = await EchoServer.start('b')
    const first = await register(world, a)
    using client = new EchoClient(`${world.resolve()}:///orders`)
    expect(await client.call()).toBe('a')
    let leaving: Promise<void> | undefined
    const stream = client.count(60, () => {
      leaving ??= (async () => {
        await register(world, b)
        await first.deregister()
      })()
    })
    await until('the new one is called', async () => (await client.call()) === 'b')
    await until(
      'the old one is not called',
      async () => (await client.burst(10))['a'] === undefined,
    )
    expect(await stream).toBe('OK after 60')
    await leaving
  })

  test('an instance whose address changes gets a new connection', async () => {
    await using world = new World()
    await using a = await EchoServer.start('a')
    await using moved = await EchoServer.start('moved')
    const registration = await register(world, a)
    using client = new EchoClient(`${world.resolve()}:///orders`)
    expect(await client.call()).toBe('a')
    await registration.update({ endpoints: [`grpc://${moved.address}`] })
    await until('it answers at the new address', async () => (await client.call()) === 'moved')
    await registration.update({ endpoints: ['http://127.0.0.1:1'] })
    await until('it no longer has a gRPC endpoint', async () =>
      (await client.call()).includes(
        "UNAVAILABLE: none of the 1 instances of 'orders' at memory has an endpoint grpc:// or grpcs://; a has http://127.0.0.1:1",
      ),
    )
  })

  test('only ready instances are picked; one that is ready again gets calls again', async () => {
    await using world = new World()
    await using a = await EchoServer.start('a')
    await using b = await EchoServer.start('b')
    await Promise.all([register(world, a), register(world, b)])
    using client = new EchoClient(`${world.resolve()}:///orders`, {
      'grpc.initial_reconnect_backoff_ms': 100,
    })
    expect(Object.keys(await client.burst(20)).toSorted()).toEqual(['a', 'b'])
    const { port } = b
    await b.stop()
    for (let call = 0; call < 20; call += 1) expect(await client.call()).toBe('a')
    await using again = await EchoServer.start('again', { port })
    // one at a time: calls that were picked for it while it was down must not count as in flight on
    // it
    await until('it is picked again', async () => (await client.call()) === 'again', 4_000)
    expect(again.connections).toBe(1)
    expect(a.connections).toBe(1)
  })
})

describe('while the registry is unreachable', () => {
  test('calls continue over the same connections, and changes are delivered afterwards', async () => {
    await using world = new World({ ttlMs: 1_000 })
    await using stack = new AsyncDisposableStack()
    const servers = await three(stack, world)
    using client = new EchoClient(`${world.resolve()}:///orders`)
    await client.burst(9)
    world.faults.stop()
    await until('the view is stale', () => world.watch()?.stale !== undefined)
    for (let round = 0; round < 20; round += 1) {
      expect(Object.keys(await client.burst(6)).every((id) => id.length === 1)).toBe(true)
      await delay(20)
    }
    world.faults.start()
    await until('the view is fresh', () => world.watch()?.stale === undefined)
    await using d = await EchoServer.start('d')
    await register(world, d)
    await until('the new one is called', async () => (await client.burst(20))['d'] !== undefined)
    expect(connections(servers)).toBe(3)
  })

  test('a channel without a first answer fails with that reason, and recovers', async () => {
    await using world = new World({ ttlMs: 1_000 })
    await using a = await EchoServer.start('a')
    await register(world, a)
    world.faults.stop()
    using client = new EchoClient(`${world.resolve()}:///orders`)
    expect(await client.call()).toMatch(
      /^UNAVAILABLE: the instances of 'orders' at memory are not known: the registry cannot be reached since .*unavailable/,
    )
    const waiting = client.call(
      { deadline: Date.now() + 10_000 },
      new Metadata({ waitForReady: true }),
    )
    world.faults.start()
    expect(await waiting).toBe('a')
    expect(await client.call()).toBe('a')
  })

  test('a closed registry is named in the error; known instances continue to serve', async () => {
    await using world = new World()
    await using a = await EchoServer.start('a')
    await register(world, a)
    const scheme = world.resolve()
    using client = new EchoClient(`${scheme}:///orders`)
    expect(await client.call()).toBe('a')
    await world.clientRegistry.close()
    // the end of the watch is reported as an error; without the service config it would change the
    // policy
    for (let call = 0; call < 10; call += 1) {
      await delay(10)
      expect(await client.call()).toBe('a')
    }
    expect(a.connections).toBe(1)
    using late = new EchoClient(`${scheme}:///payments`)
    expect(await late.call()).toContain(
      "UNAVAILABLE: the instances of 'payments' at memory are not known: [closed]",
    )
  })
})

describe('a channel', () => {
  test('that is idle closes the watch, and opens it again with the next call', async () => {
    await using world = new World()
    await using a = await EchoServer.start('a')
    await register(world, a)
    using client = new EchoClient(`${world.resolve()}:///orders`, {
      'grpc.client_idle_timeout_ms': 1_000,
    })
    expect(await client.call()).toBe('a')
    expect(world.watch()).toBeDefined()
    await until('the watch is released', () => world.watch() === undefined)
    await using b = await EchoServer.start('b')
    await register(world, b)
    expect(Object.keys(await client.burst(20)).toSorted()).toEqual(['a', 'b'])
    expect(world.watch()).toBeDefined()
    client.client.close()
    expect(world.watch()).toBeUndefined()
  })

  test('shares its connections with another one to the same service', async () => {
    await using world = new World()
    await using stack = new AsyncDisposableStack()
    const servers = await three(stack, world)
    const scheme = world.resolve()
    using one = new EchoClient(`${scheme}:///orders`)
    using other = new EchoClient(`${scheme}:///orders`)
    await one.burst(9)
    await other.burst(9)
    expect(connections(servers)).toBe(3)
  })
})

describe('errors', () => {
  test.each([
    ['/', 'INTERNAL: [invalid-argument] read target: ', 'names no service'],
    ['/orders?versio=1', 'INTERNAL: ', 'query key "versio" is unknown; accepted are version, zone'],
    ['/orders?version=new', 'INTERNAL: ', 'filter.version is "new"; expected a range of versions'],
    ['/orders?strategy=best', 'INTERNAL: ', 'strategy "best" is unknown'],
  ])('a target ending in %s fails calls at once', async (rest, status, message) => {
    await using world = new World()
    using client = new EchoClient(`${world.resolve()}://${rest}`)
    const answer = await client.call()
    expect(answer.startsWith(status), answer).toBe(true)
    expect(answer).toContain(message)
    // waiting would not help
    const waiting = new Metadata({ waitForReady: true })
    expect(await client.call({ deadline: Date.now() + 5_000 }, waiting)).toBe(answer)
    expect(world.watch()).toBeUndefined()
  })

  test('say why there is no instance, and waiting calls get the first one', async () => {
    await using world = new World()
    await using a = await EchoServer.start('a')
    using client = new EchoClient(`${world.resolve()}:///orders?tag=canary`)
    expect(await client.call()).toBe(
      "UNAVAILABLE: no instances registered under 'orders' at memory",
    )
    const waiting = client.call(
      { deadline: Date.now() + 10_000 },
      new Metadata({ waitForReady: true }),
    )
    const registration = await register(world, a, { weight: 0, tags: ['canary'] })
    await until('the error says drained', async () =>
      (await client.call()).includes('1 is drained'),
    )
    await registration.update({ weight: 1, tags: [] })
    await until('the error says filtered', async () =>
      (await client.call()).includes('tag "canary"'),
    )
    await registration.update({ tags: ['canary'] })
    expect(await waiting).toBe('a')
  })

  test('name the instance and the cause when no connection succeeds', async () => {
    await using world = new World()
    const gone = await EchoServer.start('gone')
    await register(world, gone)
    await gone.stop()
    using client = new EchoClient(`${world.resolve()}:///orders`)
    expect(await client.call()).toContain(
      `UNAVAILABLE: cannot connect to the one instance of 'orders' at memory; gone at ${gone.address}: Error: connect ECONNREFUSED`,
    )
  })
})

describe('retries', () => {
  test('use another instance as long as there is one', async () => {
    await using world = new World()
    await using stack = new AsyncDisposableStack()
    const servers = await three(stack, world)
    for (const server of servers.slice(0, 2)) server.fail = { code: 14, details: 'draining' }
    const target = `${world.resolve({ retry: true })}:///orders`
    using client = new EchoClient(target)
    expect(await client.burst(50)).toEqual({ c: 50 })
    for (const server of servers) server.fail = { code: 14, details: 'draining' }
    for (const server of servers) server.calls = 0
    expect(await client.call()).toBe('UNAVAILABLE: draining')
    expect(calls(servers)).toEqual([1, 1, 1])
  })

  test('are off by default, and apply only to the named methods and statuses', async () => {
    await using world = new World()
    await using a = await EchoServer.start('a', { fail: { code: 14, details: 'draining' } })
    await register(world, a)
    const call = async (scheme: string, options = {}): Promise<number> => {
      a.calls = 0
      using client = new EchoClient(`${scheme}:///orders`, options)
      await client.call()
      return a.calls
    }
    expect(await call(world.resolve())).toBe(1)
    expect(await call(world.resolve({ retry: { methods: ['test.Echo/WhoAmI'] } }))).toBe(3)
    expect(await call(world.resolve({ retry: { methods: ['/test.Echo'], maxAttempts: 2 } }))).toBe(
      2,
    )
    expect(await call(world.resolve({ retry: { methods: ['test.Echo/Count'] } }))).toBe(1)
    expect(await call(world.resolve({ retry: { statuses: ['INTERNAL'] } }))).toBe(1)
    // a channel's own service config takes precedence
    const own = {
      'grpc.service_config': JSON.stringify({
        methodConfig: [
          {
            name: [{ service: 'test.Echo' }],
            timeout: '5s',
            retryPolicy: {
              maxAttempts: 4,
              initialBackoff: '0.01s',
              maxBackoff: '0.1s',
              backoffMultiplier: 2,
              retryableStatusCodes: ['UNAVAILABLE'],
            },
          },
        ],
      }),
    }
    expect(await call(world.resolve(), own)).toBe(4)
  })

  test.each([
    ['fails by default', false, /^UNAVAILABLE: (Connection dropped|read ECONNRESET)/],
    ['is repeated on another instance by a retry', true, /^b$/],
  ] as const)(
    'a call on a connection that breaks without GOAWAY %s',
    async (_what, retry, answer) => {
      await using world = new World()
      await using a = await EchoServer.start('a', { delayMs: 10_000 })
      await using b = await EchoServer.start('b')
      await using proxy = await TcpProxy.to(a.address)
      await register(world, { id: 'a', address: proxy.endpoint })
      using client = new EchoClient(`${world.resolve({ retry })}:///orders`)
      const calling = client.call({ deadline: Date.now() + 15_000 })
      await until('the call is on its way', () => a.calls === 1)
      await register(world, b)
      await until('the other instance is connected', () => b.connections === 1)
      proxy.reset()
      expect(await calling).toMatch(answer)
    },
  )

  test("a channel's own policy gets the filtered instances as addresses", async () => {
    await using world = new World()
    await using stack = new AsyncDisposableStack()
    const servers = await three(stack, world)
    await register(world, servers[2] as EchoServer, { weight: 0 })
    using client = new EchoClient(`${world.resolve()}:///orders`, {
      'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
    })
    await client.burst(10)
    expect(Object.keys(await client.burst(20)).toSorted()).toEqual(['a', 'b'])
  })
})

describe('outcomes', () => {
  test('reach the balancer: an instance that fails is ejected', async () => {
    await using world = new World()
    await using stack = new AsyncDisposableStack()
    const servers = await three(stack, world)
    const bad = servers[0] as EchoServer
    bad.fail = { code: 13, details: 'broken' }
    using client = new EchoClient(
      `${world.resolve({ balancer: { outlier: { intervalMs: 50, maxEjectionPercent: 50 } } })}:///orders`,
    )
    await until('the instance is no longer called', async () => {
      const before = bad.calls
      await client.burst(30)
      return bad.calls === before
    })
    // a status that the request causes ejects no instance
    const other = servers[1] as EchoServer
    other.fail = { code: 5, details: 'no such order' }
    for (let round = 0; round < 5; round += 1) await client.burst(20)
    other.calls = 0
    await client.burst(30)
    expect(other.calls).toBeGreaterThan(5)
  })
})
