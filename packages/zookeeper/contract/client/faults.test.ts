import { codeOf } from '@sd/contract-tests/world'
import { type Server, TcpProxy } from '@sd/contract-tests/servers'
import { provisionFor, until } from '@sd/test-servers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { NodeEvent } from '../../src/client/zookeeper-client.ts'
import { InjectingProxy } from './injecting-proxy.ts'
import {
  bytes,
  handshakeBytes,
  hostOf,
  nextTurn,
  open,
  sessionTimeoutMs,
  slackMs,
  soon,
} from './support.ts'
import { inFrontOf, launchZooKeeper, plainOf } from '../test-tls.ts'

const controllable = (await provisionFor('zookeeper')).how !== 'endpoint'

describe.runIf(controllable)('a faulty connection', () => {
  let cluster: Awaited<ReturnType<typeof launchZooKeeper>>
  let server: Server
  let host: string

  beforeAll(async () => {
    cluster = await launchZooKeeper()
    server = cluster.servers[0] as Server
    host = hostOf(server)
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  test('cut at any byte of an answer, it reconnects with its session', async () => {
    await using proxy = await TcpProxy.to(host)
    await using a = await open([proxy.endpoint])
    const { client } = a
    const { sessionId } = client
    await client.create('/cut', new Uint8Array(300_000).fill(65), 'persistent', soon())
    await client.create('/cut-mine', bytes(''), 'ephemeral', soon())
    for (const afterBytes of [1, 3, 4, 5, 19, 20, 21, 60, 1_000, 70_000, 200_000]) {
      let told: NodeEvent | undefined
      await client.exists('/cut', soon(), (event) => (told = event))
      proxy.cutAfter(afterBytes)
      expect(await codeOf(client.get('/cut', soon()))).toBe('CONNECTION_LOSS')
      expect(told).toBe('lost')
      await until('connected again', () => client.state === 'connected', slackMs)
      proxy.uncut()
      expect((await client.get('/cut', soon())).data).toHaveLength(300_000)
    }
    expect(client.sessionId).toBe(sessionId)
    expect(await client.exists('/cut-mine', soon())).toMatchObject({ ephemeralOwner: sessionId })
  })

  test('cut at any byte of the handshake, it reconnects with its session', async () => {
    await using proxy = await TcpProxy.to(host)
    await using a = await open([proxy.endpoint], { sessionTimeoutMs: 10_000 })
    const { client } = a
    const { sessionId } = client
    for (const afterBytes of [1, 4, 7, 20, handshakeBytes - 1, handshakeBytes]) {
      const before = proxy.accepted
      proxy.reset()
      proxy.cutAfter(afterBytes)
      await until(
        'connected again',
        async () => proxy.accepted >= before + 2 && !!(await client.exists('/', soon())),
        5_000,
      )
      proxy.uncut()
    }
    expect(client.sessionId).toBe(sessionId)
    expect(client.ended.aborted).toBe(false)
  })

  test('malformed bytes end only their connection', async () => {
    await using proxy = await InjectingProxy.to(plainOf(cluster))
    await using front = await inFrontOf(proxy.endpoint)
    await using a = await open([front.endpoint])
    const strange = [
      Buffer.alloc(20, 0xff),
      Buffer.from('HTTP/1.1 500 Oh\r\n\r\n'),
      Buffer.from([0, 0, 0, 4, 1, 2, 3, 4]),
      // an answer without a request
      Buffer.concat([Buffer.from([0, 0, 0, 16]), Buffer.alloc(16, 7)]),
      // an incomplete event
      Buffer.concat([Buffer.from([0, 0, 0, 20]), Buffer.alloc(8, 0xff), Buffer.alloc(12)]),
    ]
    for (const data of strange) {
      const before = a.states.length
      proxy.inject(data)
      await until(
        'the client has left the connection',
        () => a.states.length === before + 2,
        slackMs,
      )
      expect(a.states.slice(before)).toEqual(['disconnected', 'connected'])
      expect(await a.client.exists('/', soon())).toBeDefined()
    }
  })

  /** The header of an answer to the first request of a connection. */
  const answerTo = (xid: number, code: number, rest = Buffer.alloc(0)): Buffer => {
    const header = Buffer.alloc(20)
    header.writeInt32BE(16 + rest.length, 0)
    header.writeInt32BE(xid, 4)
    header.writeInt32BE(code, 16)
    return Buffer.concat([header, rest])
  }

  test.each([
    [-125, 'QUOTA_EXCEEDED', 'QUOTA_EXCEEDED'],
    [-9_999, 'SYSTEM_ERROR', 'the server answered -9999'],
    [-6, 'UNIMPLEMENTED', 'it needs ZooKeeper 3.6 or later'],
  ])('an answer with the code %d fails only its call, with %s', async (code, name, message) => {
    await using proxy = await InjectingProxy.to(plainOf(cluster))
    await using front = await inFrontOf(proxy.endpoint)
    await using a = await open([front.endpoint])
    proxy.muted = true
    const call = a.client.addWatch('/', () => {}, soon()).catch((error: unknown) => error)
    proxy.inject(answerTo(1, code))
    expect(await call).toMatchObject({ code: name, message: expect.stringContaining(message) })
    expect(a.client.state).toBe('connected')
  })

  test('an answer that cannot be read fails its call, and ends the connection', async () => {
    await using proxy = await InjectingProxy.to(plainOf(cluster))
    await using front = await inFrontOf(proxy.endpoint)
    await using a = await open([front.endpoint])
    proxy.muted = true
    const calls = [a.client.get('/', soon()), a.client.get('/', soon())]
    proxy.inject(answerTo(1, 0, Buffer.from([0, 0, 0, 9, 1])))
    expect(await Promise.all(calls.map(codeOf))).toEqual(['MARSHALLING_ERROR', 'CONNECTION_LOSS'])
    proxy.muted = false
    await until('connected again', () => a.client.state === 'connected', slackMs)
    expect(a.states).toEqual(['disconnected', 'connected'])
  })

  test('a client that only receives stays alive', async () => {
    await using a = await open([host])
    await using b = await open([host])
    const path = (index: number) => `/inbound-${index}`
    const count = Math.ceil((3 * sessionTimeoutMs) / 100)
    let fired = 0
    for (let index = 0; index < count; index++) {
      await b.client.create(path(index), bytes(''), 'persistent', soon())
      await a.client.get(path(index), soon(), () => fired++)
    }
    for (let index = 0; index < count; index++) {
      await b.client.set(path(index), bytes('x'), -1, soon())
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    expect(fired).toBe(count)
    expect(a.states).toEqual([])
  })

  test('without a connection no call is queued, and pending ones fail', async () => {
    await using proxy = await TcpProxy.to(host)
    await using a = await open([proxy.endpoint])
    const { client } = a
    proxy.partition(true)
    const calls = [
      client.create('/late', bytes(''), 'persistent', soon()),
      ...Array.from({ length: 200 }, () => client.get('/', soon())),
      // larger than a socket's buffer: most of it waits in the client
      ...Array.from({ length: 20 }, (_, index) =>
        client.create(`/late-${index}`, new Uint8Array(900_000), 'persistent', soon()),
      ),
    ]
    proxy.refuse(true)
    expect(await Promise.all(calls.map(codeOf))).toEqual(calls.map(() => 'CONNECTION_LOSS'))
    expect(client.state).toBe('disconnected')
    for (const call of [
      client.create('/late', bytes(''), 'persistent', soon()),
      client.get('/', soon()),
    ])
      expect(await Promise.race([codeOf(call), nextTurn()])).toBe('CONNECTION_LOSS')
    proxy.heal()
    await until('connected again', () => client.state === 'connected', slackMs)
    const { names } = await client.children('/', soon())
    expect(names.filter((name) => name.startsWith('late'))).toEqual([])
  })

  test('a session that the server no longer knows ends the client', async () => {
    await using proxy = await TcpProxy.to(host)
    await using a = await open([proxy.endpoint], { sessionTimeoutMs: 1_000 })
    await using b = await open([host])
    const { client } = a
    await client.create('/gone', bytes(''), 'ephemeral', soon())
    let told: NodeEvent | undefined
    await client.get('/gone', soon(), (event) => (told = event))
    // the client counts from its detection, the server from the last message
    proxy.partition(true)
    await until(
      'the client has ended',
      async () => !(await b.client.exists('/gone', soon())),
      10_000,
    )
    proxy.heal()
    await until('the end is reported', () => client.ended.aborted, slackMs)
    expect(client.ended.reason).toMatchObject({ code: 'SESSION_EXPIRED' })
    expect(String(client.ended.reason)).toContain('does not know the session')
    expect(told).toBe('lost')
    expect(a.states).toEqual(['disconnected', 'ended'])
    expect(await codeOf(client.get('/', soon()))).toBe('SESSION_EXPIRED')
    expect(await codeOf(client.close(soon()))).toBe('none')
  })

  test('a client that reaches no server for its session’s timeout ends by its own clock', async () => {
    await using proxy = await TcpProxy.to(host)
    await using a = await open([proxy.endpoint])
    proxy.refuse(true)
    const began = performance.now()
    await until('the end is reported', () => a.client.ended.aborted, sessionTimeoutMs + slackMs)
    expect(performance.now() - began).toBeGreaterThan(sessionTimeoutMs - 100)
    expect(a.client.ended.reason).toMatchObject({ code: 'OPERATION_TIMEOUT' })
    expect(String(a.client.ended.reason)).toContain('no server was reached')
    expect(a.states).toEqual(['disconnected', 'ended'])
    const { accepted } = proxy
    proxy.heal()
    await new Promise((resolve) => setTimeout(resolve, sessionTimeoutMs))
    expect(proxy.accepted).toBe(accepted)
  })

  test('the session survives a restart of the server', async () => {
    await using a = await open([host], { sessionTimeoutMs: 10_000 })
    const { client } = a
    await client.create('/restart', bytes(''), 'ephemeral', soon())
    await server.restart('kill')
    await until('connected again', () => client.state === 'connected', 10_000)
    expect(await client.exists('/restart', soon())).toMatchObject({
      ephemeralOwner: client.sessionId,
    })
    expect(a.states).toEqual(['disconnected', 'connected'])
  })
})
