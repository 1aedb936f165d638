import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { Code, createClient } from '@connectrpc/connect'
import { status } from '@grpc/grpc-js'
import { expect, test, vi } from 'vitest'
import { serviceTransport } from '../src/connect/index.ts'
import { rpcChannelName, type RpcEvent } from '../src/index.ts'
import { ConnectEcho, ConnectEchoServer } from './support/connect-echo.ts'
import { EchoClient } from './support/echo-client.ts'
import { EchoServer } from './support/echo-server.ts'
import { register, World } from './support/world.ts'

// real servers, on a machine that may be busy
vi.setConfig({ testTimeout: 20_000 })

const callers = new AsyncLocalStorage<string>()

/** The messages on `sd:rpc`, each start with its caller, until it is disposed of. */
class Messages implements Disposable {
  readonly all: RpcEvent[] = []
  readonly startedBy: (string | undefined)[] = []
  readonly #listener = (message: unknown): void => {
    const event = message as RpcEvent
    this.all.push(event)
    if (event.event === 'start') this.startedBy.push(callers.getStore())
    event.metadata?.set('x-trace', `of ${callers.getStore()}`)
  }

  constructor() {
    subscribe(rpcChannelName, this.#listener)
  }

  /** The messages of each call, in short. */
  get calls(): readonly string[] {
    const groups = Map.groupBy(this.all, ({ call }) => call)
    return [...groups.values()].map((events) =>
      events
        .map(({ event, instance, code }) =>
          [event, instance, code ? status[code] : ''].filter((part) => part).join(' '),
        )
        .join(', '),
    )
  }

  [Symbol.dispose](): void {
    unsubscribe(rpcChannelName, this.#listener)
  }
}

test('the first calls of a channel start in the contexts of their callers', async () => {
  await using world = new World()
  await using server = await EchoServer.start('a')
  await register(world, server)
  using messages = new Messages()
  using client = new EchoClient(`${world.resolve()}:///orders`)
  await Promise.all(['one', 'two'].map((name) => callers.run(name, () => client.call())))
  expect(messages.startedBy).toEqual(['one', 'two'])
  expect(messages.calls).toEqual(['start, pick a, end', 'start, pick a, end'])
  const [start, pick, end] = messages.all.filter(({ call }) => call === messages.all[0]?.call)
  const facts = { backend: 'grpc', service: 'orders', method: 'test.Echo/WhoAmI' }
  expect(start).toMatchObject({ ...facts, authority: 'orders', attempt: 0 })
  expect(pick).toMatchObject({ ...facts, endpoint: `grpc://${server.address}`, attempt: 1 })
  expect(end).toMatchObject({ ...facts, code: 0, attempt: 1 })
})

test("with a channel's own policy the first calls belong to no caller, and later ones do", async () => {
  await using world = new World()
  await using server = await EchoServer.start('a')
  await register(world, server)
  using messages = new Messages()
  const config = JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }], methodConfig: [] })
  using client = new EchoClient(`${world.resolve()}:///orders`, { 'grpc.service_config': config })
  for (const name of ['one', 'two']) expect(await callers.run(name, () => client.call())).toBe('a')
  expect(messages.startedBy).toEqual([undefined, 'two'])
  // that policy picks, not this package
  expect(messages.calls).toEqual(['start, end', 'start, end'])
})

test('a retry is a further pick, and the end has the status', async () => {
  await using world = new World()
  const fail = { code: status.UNAVAILABLE, details: 'busy' }
  await using a = await EchoServer.start('a', { fail })
  await using b = await EchoServer.start('b', { fail })
  await Promise.all([a, b].map((server) => register(world, server)))
  using messages = new Messages()
  using client = new EchoClient(`${world.resolve({ retry: { maxAttempts: 2 } })}:///orders`)
  expect(await client.call()).toContain('UNAVAILABLE: busy')
  expect(messages.calls).toHaveLength(1)
  expect(messages.calls[0]).toMatch(/^start, pick ([ab]), pick (?!\1)[ab], end UNAVAILABLE$/)
  expect(messages.all.at(-1)).toMatchObject({ details: 'busy', attempt: 2 })
})

test('a call that is cancelled or too late has an end', async () => {
  await using world = new World()
  await using server = await EchoServer.start('a', { delayMs: 60_000 })
  await register(world, server)
  using messages = new Messages()
  using client = new EchoClient(`${world.resolve()}:///orders`)
  await client.call({ deadline: Date.now() + 300 })
  expect(messages.all.at(-1)).toMatchObject({ event: 'end', code: status.DEADLINE_EXCEEDED })
})

test('without a subscriber nothing is published, and metadata stays as it is', async () => {
  await using world = new World()
  await using server = await EchoServer.start('a')
  await register(world, server)
  const messages = new Messages()
  using client = new EchoClient(`${world.resolve()}:///orders`)
  await client.call()
  messages[Symbol.dispose]()
  const before = messages.all.length
  await client.call()
  expect(messages.all).toHaveLength(before)
})

test('calls of Connect are published, with their streams to the end', async () => {
  await using world = new World()
  await using server = await ConnectEchoServer.start('a')
  await register(world, server)
  using messages = new Messages()
  using transport = serviceTransport({ discovery: world.clientRegistry, service: 'orders' })
  const client = createClient(ConnectEcho, transport)
  await callers.run('one', () => client.whoAmI({}))
  const stream = callers.run('two', () => client.count({ value: '2' }))
  for await (const { value } of stream) expect(value).toBe('a')
  expect(messages.startedBy).toEqual(['one', 'two'])
  const abort = new AbortController()
  const abandoned = client.count({ value: '1000' }, { signal: abort.signal })
  for await (const _ of abandoned) break
  abort.abort()
  server.fail = Code.NotFound
  await expect(client.charge({})).rejects.toThrow('as asked for')
  expect(messages.calls).toEqual([
    'start, pick a, end',
    'start, pick a, end',
    'start, pick a, end CANCELLED',
    'start, pick a, end NOT_FOUND',
  ])
  expect(messages.all[0]).toMatchObject({ method: 'test.Echo/WhoAmI', authority: 'orders' })
})
