import { randomUUID } from 'node:crypto'
import { codeOf } from '@sd/contract-tests/world'
import { type Server, StrangeHost, TcpProxy } from '@sd/contract-tests/servers'
import { provisionFor, until } from '@sd/test-servers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { forkClient, type ProcessEnd, type ProcessTask } from './fork-client.ts'
import { bytes, handshakeBytes, hostOf, open, soon } from './support.ts'
import { inFrontOf, launchZooKeeper, plainOf } from '../test-tls.ts'

const controllable = (await provisionFor('zookeeper')).how !== 'endpoint'
const closeTimeoutMs = 1_500
/** Added to every bound for a loaded machine and for the end of a Node process. */
const lateMs = 3_000

describe.runIf(controllable)('closing', () => {
  let cluster: Awaited<ReturnType<typeof launchZooKeeper>>
  let server: Server
  let host: string

  beforeAll(async () => {
    cluster = await launchZooKeeper()
    server = cluster.servers[0] as Server
    host = hostOf(server)
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  const start = (hosts: readonly string[], rest: Partial<ProcessTask> = {}) =>
    forkClient({
      hosts,
      sessionTimeoutMs: 4_000,
      closeTimeoutMs,
      connects: true,
      ephemeral: `/child-${randomUUID()}`,
      waitsUntil: 'connected',
      ...rest,
    })

  /** Checks that it ends by itself, in time, and that no callback threw an uncaught error. */
  const expectCleanEnd = (end: ProcessEnd, bound: number): void => {
    expect(end).toMatchObject({ code: 0, signal: null, stderr: '' })
    expect(end.closeMs).toBeLessThan(bound + lateMs)
    expect(end.exitMs).toBeLessThan(lateMs)
  }

  test('connected: the session ends at once, and the process ends', async () => {
    await using b = await open([host])
    await using child = await start([host], { ephemeral: '/child' })
    expect(child.state).toBe('connected')
    expect(await b.client.exists('/child', soon())).toBeDefined()
    const end = await child.close(10_000)
    expect(end).toMatchObject({ how: 'done', again: 'done', connected: 'done' })
    expectCleanEnd(end, 0)
    expect(await b.client.exists('/child', soon())).toBeUndefined()
  })

  test('before connect', async () => {
    await using child = await start([host], { connects: false, waitsUntil: 'nothing' })
    const end = await child.close(10_000)
    expect(end).toMatchObject({ how: 'done', again: 'done' })
    expectCleanEnd(end, 0)
  })

  test.each(['refuses', 'silent', 'closes', 'garbage'] as const)(
    'while it connects to a host that %s',
    async (behaviour) => {
      await using strange = await StrangeHost.that(behaviour)
      await using child = await start([strange.endpoint], { waitsUntil: 'nothing' })
      expect(child.state).toBe('connecting')
      const end = await child.close(10_000)
      expect(end).toMatchObject({ how: 'done', again: 'done', connected: 'CONNECTION_LOSS' })
      expectCleanEnd(end, 0)
    },
  )

  test('connected to a server that is frozen', async () => {
    await using child = await start([host])
    await server.pause()
    try {
      const end = await child.close(10_000)
      expect(end.how).toBe('TimeoutError')
      expect(end.again).toBe('CONNECTION_LOSS')
      expectCleanEnd(end, closeTimeoutMs)
    } finally {
      await server.resume()
    }
  })

  test('connected over a partitioned network', async () => {
    await using proxy = await TcpProxy.to(host)
    await using child = await start([proxy.endpoint])
    proxy.partition(true)
    const end = await child.close(10_000)
    expect(end.how).toBe('TimeoutError')
    expectCleanEnd(end, closeTimeoutMs)
  })

  test('looking for a server', async () => {
    await using proxy = await TcpProxy.to(host)
    await using child = await start([proxy.endpoint])
    proxy.refuse(true)
    const end = await child.close(10_000)
    expect(end.how).toBe('TimeoutError')
    expectCleanEnd(end, closeTimeoutMs)
  })

  test('after the end of the session', async () => {
    await using proxy = await TcpProxy.to(plainOf(cluster))
    await using front = await inFrontOf(proxy.endpoint)
    const starting = start([front.endpoint], { sessionTimeoutMs: 1_000, waitsUntil: 'ended' })
    await until('it connected', () => proxy.bytes.fromServer >= handshakeBytes, 10_000)
    proxy.refuse(true)
    await using child = await starting
    const end = await child.close(10_000)
    expect(end).toMatchObject({ how: 'done', again: 'done' })
    expectCleanEnd(end, 0)
  })

  test('earlier calls are still answered, later ones are refused', async () => {
    await using a = await open([host])
    const { client } = a
    await client.create('/last', bytes(''), 'persistent', soon())
    const sent = client.set('/last', bytes('x'), -1, soon())
    const closing = client.close(soon())
    const late = codeOf(client.exists('/', soon()))
    expect(await sent).toMatchObject({ version: 1 })
    expect(await late).toBe('CONNECTION_LOSS')
    await closing
    expect(client.state).toBe('ended')
    expect(client.ended.aborted).toBe(false)
  })

  test('a connection that is lost during close: the next one confirms the end', async () => {
    await using proxy = await TcpProxy.to(host)
    await using a = await open([proxy.endpoint])
    await using b = await open([host])
    await a.client.create('/meanwhile', bytes(''), 'ephemeral', soon())
    proxy.partition(true)
    const closing = a.client.close(soon())
    proxy.refuse(true)
    proxy.heal()
    await closing
    expect(await b.client.exists('/meanwhile', soon())).toBeUndefined()
  })
})
