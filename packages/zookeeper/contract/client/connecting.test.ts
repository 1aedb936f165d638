import { codeOf } from '@sd/contract-tests/world'
import { StrangeHost, TcpProxy } from '@sd/contract-tests/servers'
import { provisionFor, until } from '@sd/test-servers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  handshakeBytes,
  hostOf,
  inOrder,
  make,
  nextTurn,
  open,
  sessionTimeoutMs,
  slackMs,
  soon,
} from './support.ts'
import { inFrontOf, launchZooKeeper, plainOf } from '../test-tls.ts'

const controllable = (await provisionFor('zookeeper')).how !== 'endpoint'

/** The time after which a first connection tries the next host as well: see `Connection`. */
const headStartMs = 250
/** The time limit of the first handshake at this timeout: see `patienceMs`. */
const handshakeMs = 1_000
/** For how long a client tries to connect to hosts that are silent, or refuse: see `establishSession`. */
const silentMs = 3_000
const refusedMs = 1_000

describe.runIf(controllable)('connecting', () => {
  let cluster: Awaited<ReturnType<typeof launchZooKeeper>>
  let host: string

  beforeAll(async () => {
    cluster = await launchZooKeeper()
    host = cluster.servers.map(hostOf)[0] ?? ''
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  test('does nothing before connect, and connects once', async () => {
    await using proxy = await TcpProxy.to(host)
    const client = make([proxy.endpoint])
    expect(client).toMatchObject({ state: 'connecting', sessionId: '', sessionTimeoutMs })
    expect(await codeOf(client.exists('/', soon()))).toBe('CONNECTION_LOSS')
    expect(proxy.accepted).toBe(0)
    await client.connect(soon())
    expect(client.state).toBe('connected')
    expect(proxy.accepted).toBe(1)
    expect(await codeOf(client.connect(soon()))).toBe('BAD_ARGUMENTS')
    await client.close(soon())
  })

  test('returns the timeout that the server granted', async () => {
    await using opened = await open([host], { sessionTimeoutMs: 1_000_000 })
    expect(opened.client.sessionTimeoutMs).toBe(10_000)
  })

  test.each(['[::1', 'host', 'host:0', 'host:65536', 'http://host:1', 'a@b:1', ''])(
    'refuses the host %j before any I/O',
    (wrong) => {
      expect(() => make([wrong])).toThrow('is not host:port')
    },
  )

  test.each([
    ['refuses', 0],
    ['closes', 0],
    ['garbage', 0],
    [Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), 0],
    [Buffer.from([0xff, 0xff, 0xff, 0xfc, 0, 0, 0, 0]), 0],
    [Buffer.concat([Buffer.from([0, 0, 0, 37]), Buffer.alloc(37)]), 0],
    [Buffer.alloc(1_000), 0],
    [Buffer.from([0, 0, 0]), headStartMs],
    ['silent', headStartMs],
  ] as const)('skips a host that answers %j', async (behaviour, delayMs) => {
    await using strange = await StrangeHost.that(behaviour)
    const began = performance.now()
    // long enough for the other host to answer before this one is tried again
    await using opened = await open([strange.endpoint, host], {
      context: inOrder(),
      sessionTimeoutMs: 10_000,
    })
    const tookMs = performance.now() - began
    expect(strange.accepted).toBe(behaviour === 'refuses' ? 0 : 1)
    expect(tookMs).toBeGreaterThan(delayMs - 1)
    expect(tookMs).toBeLessThan(delayMs + slackMs)
    expect(await opened.client.exists('/', soon())).toBeDefined()
  })

  // at once, as each waits for seconds on hosts of its own
  test.concurrent.each(['refuses', 'silent', 'closes', 'garbage'] as const)(
    'gives up by itself when every host %s, and pauses between attempts',
    async (behaviour) => {
      await using one = await StrangeHost.that(behaviour)
      await using two = await StrangeHost.that(behaviour)
      const client = make([one.endpoint, two.endpoint])
      const began = performance.now()
      const boundMs = behaviour === 'silent' ? silentMs : refusedMs
      const failure = await client.connect(soon(30_000)).catch((error: unknown) => error)
      expect(failure).toMatchObject({ code: 'CONNECTION_LOSS', operation: 'connect' })
      expect(String(failure)).toContain(`no session with ${one.endpoint}, ${two.endpoint}`)
      expect(performance.now() - began).toBeGreaterThan(boundMs - 1)
      expect(performance.now() - began).toBeLessThan(boundMs + slackMs)
      const [least, most] = behaviour === 'refuses' ? [0, 0] : [1, 20]
      for (const { accepted } of [one, two]) {
        expect(accepted).toBeGreaterThanOrEqual(least)
        expect(accepted).toBeLessThanOrEqual(most)
      }
      expect(client.state).toBe('ended')
      expect(client.ended.aborted).toBe(false)
      const accepted = [one.accepted, two.accepted]
      expect(await codeOf(client.exists('/', soon()))).toBe('CONNECTION_LOSS')
      await new Promise((resolve) => setTimeout(resolve, handshakeMs))
      // a host may accept a connection that was abandoned in the middle
      const later = one.accepted + two.accepted - (accepted[0] ?? 0) - (accepted[1] ?? 0)
      expect(later).toBeLessThanOrEqual(1)
    },
  )

  test('an abort settles it at once, and ends the attempts', async () => {
    await using silent = await StrangeHost.that('silent')
    const client = make([silent.endpoint])
    const abort = new AbortController()
    const connecting = client.connect(abort.signal)
    await until('the client tries', () => silent.accepted === 1, slackMs)
    abort.abort(new Error('enough'))
    expect(await Promise.race([connecting.catch(String), nextTurn()])).toBe('Error: enough')
    expect(client.state).toBe('ended')
    await new Promise((resolve) => setTimeout(resolve, 2 * handshakeMs))
    expect(silent.accepted).toBe(1)
  })

  test('waits for a server that starts late', async () => {
    await using proxy = await TcpProxy.to(host)
    proxy.refuse(true)
    const opening = open([proxy.endpoint])
    await until('several tries', () => proxy.accepted >= 3, handshakeMs + slackMs)
    proxy.heal()
    await using opened = await opening
    expect(opened.client.state).toBe('connected')
  })

  test('a server that drops each connection after its handshake is retried with pauses', async () => {
    await using proxy = await TcpProxy.to(plainOf(cluster))
    await using front = await inFrontOf(proxy.endpoint)
    await using opened = await open([front.endpoint])
    const before = proxy.accepted
    proxy.cutAfter(handshakeBytes, 'always')
    proxy.reset()
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    expect(proxy.accepted - before).toBeGreaterThan(3)
    expect(proxy.accepted - before).toBeLessThan(15)
    expect(opened.states.filter((state) => state === 'connected').length).toBeGreaterThan(1)
    proxy.uncut()
    await until(
      'the connection lasts again',
      async () => (await opened.client.exists('/', soon())) !== undefined,
    )
  })
})
