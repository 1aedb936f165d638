import { inspect } from 'node:util'
import { codeOf } from '@sd/contract-tests/world'
import { StrangeHost, TcpProxy } from '@sd/contract-tests/servers'
import { provisionFor, until } from '@sd/test-servers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { operations, xids } from '../../src/client/codec/protocol-numbers.ts'
import { Request } from '../../src/client/codec/requests.ts'
import { createHostRotation } from '../../src/client/create-client.ts'
import { digestLogin } from '../../src/client/connection/login.ts'
import { secureOptionsOf } from '../../src/client/secure-options.ts'
import { WireClient } from '../../src/client/wire-client.ts'
import {
  bytes,
  connected,
  handshakeBytes,
  hostOf,
  inOrder,
  make,
  open,
  optionsOf,
  slackMs,
  soon,
} from './support.ts'
import { inFrontOf, launchZooKeeper, plainOf } from '../test-tls.ts'

const controllable = (await provisionFor('zookeeper')).how !== 'endpoint'
const secret = 'hunter2-is-not-shown'
const login = { username: 'sd', password: secret, worldReadable: false }

describe.runIf(controllable)('credentials', () => {
  let cluster: Awaited<ReturnType<typeof launchZooKeeper>>
  let host: string

  beforeAll(async () => {
    cluster = await launchZooKeeper()
    host = cluster.servers.map(hostOf)[0] ?? ''
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  test('a node that one user created cannot be read by another', async () => {
    await using owner = await open([host], login)
    await using stranger = await open([host])
    await using wrong = await open([host], { ...login, password: 'wrong' })
    await owner.client.create('/private', bytes('x'), 'persistent', soon())
    for (const { client } of [stranger, wrong]) {
      expect(await codeOf(client.get('/private', soon()))).toBe('NO_AUTH')
      expect(await codeOf(client.set('/private', bytes('y'), -1, soon()))).toBe('NO_AUTH')
      const remove = client.multi(
        [{ type: 'set', path: '/private', data: bytes(''), version: 0 }],
        soon(),
      )
      expect(await codeOf(remove)).toBe('NO_AUTH')
    }
    expect(await owner.client.get('/private', soon())).toMatchObject({ stat: { version: 0 } })
  })

  test('after every reconnect the login is sent before any call', async () => {
    await using proxy = await TcpProxy.to(host)
    await using owner = await open([proxy.endpoint], { ...login, sessionTimeoutMs: 10_000 })
    const { client } = owner
    await client.create('/reconnects', bytes('x'), 'persistent', soon())
    let denied = 0
    let read = 0
    const reader = async (): Promise<void> => {
      const code = await codeOf(client.get('/reconnects', soon()))
      if (code === 'NO_AUTH') denied++
      if (code === 'none') read++
    }
    client.onState((state) => {
      if (state === 'connected') for (let count = 0; count < 10; count++) void reader()
    })
    for (let round = 1; round <= 7; round++) {
      // pending calls and answers are lost with the connection
      for (let count = 0; count < 100; count++) void reader()
      proxy.reset()
      const wanted = read + 10
      await until('a read succeeds again', () => read >= wanted, 10_000)
    }
    expect(denied).toBe(0)
  })

  test('the client is not connected before the login is answered', async () => {
    await using proxy = await TcpProxy.to(plainOf(cluster))
    await using front = await inFrontOf(proxy.endpoint)
    const client = make([front.endpoint], login)
    proxy.cutAfter(handshakeBytes, 'always')
    const connecting = codeOf(client.connect(soon(1_500)))
    await until('some handshakes', () => proxy.accepted >= 3, slackMs)
    expect(client.state).toBe('connecting')
    proxy.heal()
    expect(await connecting).toBe('none')
    await client.close(soon())
  })

  test('after failed hosts the client logs in once', async () => {
    await using closes = await StrangeHost.that('closes')
    await using proxy = await TcpProxy.to(plainOf(cluster))
    await using front = await inFrontOf(proxy.endpoint)
    await using direct = await open([front.endpoint], login)
    const once = proxy.bytes.fromClient
    await using detour = await open([closes.endpoint, front.endpoint], {
      ...login,
      context: inOrder(),
    })
    expect(closes.accepted).toBe(1)
    expect(proxy.bytes.fromClient).toBe(2 * once)
    expect([direct.client.state, detour.client.state]).toEqual(['connected', 'connected'])
  })

  test('no error and no text contains a secret', async () => {
    await using owner = await open([host], login)
    const { client } = owner
    const failures = await Promise.all([
      client.get('/nowhere', soon()).catch((error: unknown) => error),
      make(['127.0.0.1:1'], login)
        .connect(soon(500))
        .catch((error: unknown) => error),
    ])
    const shown = [client, ...failures].map(
      (value) =>
        `${inspect(value, { depth: 20, showHidden: true })} ${String(value)} ${JSON.stringify(value)}`,
    )
    for (const text of shown) expect(text).not.toContain(secret)
  })

  /** A client whose login has the scheme that `scheme` returns at the time. */
  const withScheme = (scheme: () => string) => {
    const first = () =>
      new Request(
        operations.auth,
        (to) =>
          to
            .int(0)
            .text(scheme())
            .bytes(bytes(`sd:${secret}`)),
        xids.auth,
      )
    const { next } = digestLogin({ username: 'sd', password: secret })
    const options = optionsOf([host], {})
    const rotation = createHostRotation(options)
    const begin = () => ({ first: first(), next })
    const secureOptions = secureOptionsOf(options)
    return new WireClient({ ...options, rotation, secureOptions, access: 'creator', login: begin })
  }

  test('refused by the server, the client ends at once', async () => {
    const failure = await connected(withScheme(() => 'none-that-it-knows')).catch(
      (error: unknown) => error,
    )
    expect(failure).toMatchObject({ code: 'AUTH_FAILED' })
    expect(String(failure)).toContain('the server refused the credentials')
  })

  test('refused later, the client ends and reports it', async () => {
    let scheme = 'digest'
    await using owner = await connected(withScheme(() => scheme))
    const { client } = owner
    scheme = 'gone'
    client.reconnect()
    await until('the refusal is reported', () => client.ended.aborted, slackMs)
    expect(client.ended.reason).toMatchObject({ code: 'AUTH_FAILED' })
    expect(owner.states).toEqual(['disconnected', 'ended'])
    expect(await codeOf(client.get('/', soon()))).toBe('AUTH_FAILED')
    await client.close(soon())
  })
})
