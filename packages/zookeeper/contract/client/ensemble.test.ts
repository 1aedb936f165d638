import { codeOf } from '@sd/contract-tests/world'
import { type Server, TcpProxy } from '@sd/contract-tests/servers'
import { provisionFor, until, zookeeper } from '@sd/test-servers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { NodeEvent } from '../../src/client/zookeeper-client.ts'
import { isCode } from '../../src/client/zookeeper-error.ts'
import { ask } from '../support.ts'
import { bytes, fastest, hostOf, inOrder, open, slackMs, soon } from './support.ts'
import { isOverTls, launchZooKeeper } from '../test-tls.ts'

const controllable = (await provisionFor('zookeeper')).how !== 'endpoint'

/** The longest timeout that these servers grant: an election may take as long. */
const sessionTimeoutMs = 10_000

describe.runIf(controllable)('an ensemble of three', () => {
  let cluster: Awaited<ReturnType<typeof launchZooKeeper>>
  let hosts: string[]

  beforeAll(async () => {
    cluster = await launchZooKeeper(zookeeper, { members: ['n1', 'n2', 'n3'] })
    hosts = cluster.servers.map(hostOf)
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  /** A leader that resumes is no longer the leader, and drops its clients once it detects that. */
  const settled = () =>
    until('every member serves', async () => {
      for (const host of hosts) {
        await using a = await open([host], { sessionTimeoutMs })
        await a.client.set('/', bytes(''), -1, soon(500))
      }
      return true
    })

  test('reconnect moves to another member at once, with the session', async () => {
    const proxies = await Promise.all(hosts.map((host) => TcpProxy.to(host)))
    await using a = await open(
      proxies.map(({ endpoint }) => endpoint),
      { context: inOrder(), sessionTimeoutMs },
    )
    const { client } = a
    const { sessionId } = client
    await client.create('/move', bytes(''), 'ephemeral', soon())
    const told: NodeEvent[] = []
    await client.get('/move', soon(), (event) => told.push(event))
    proxies[0]?.latency(200)
    const inFlight = client.set('/move', bytes('x'), -1, soon())
    const began = performance.now()
    client.reconnect()
    expect(client.state).toBe('disconnected')
    expect(told).toEqual(['lost'])
    expect(await codeOf(inFlight)).toBe('CONNECTION_LOSS')
    client.reconnect() // has no effect without a connection
    await until('connected again', () => client.state === 'connected', slackMs)
    expect(performance.now() - began).toBeLessThan(slackMs)
    expect(proxies[1]?.accepted).toBeGreaterThan(0)
    // a slow TLS handshake begins another one
    const most = isOverTls ? 20 : 2
    expect(proxies.reduce((sum, { accepted }) => sum + accepted, 0)).toBeLessThanOrEqual(most)
    expect(client.sessionId).toBe(sessionId)
    expect(await client.exists('/move', soon())).toMatchObject({ ephemeralOwner: sessionId })
    expect(a.states).toEqual(['disconnected', 'connected'])
    await client.close(soon())
    for (const proxy of proxies) await proxy[Symbol.asyncDispose]()
  })

  test.each([0, 1, 2])(
    'when its member %d is frozen, it moves to another within the session',
    async (index) => {
      const [frozen, ...others] = [
        ...cluster.servers.slice(index),
        ...cluster.servers.slice(0, index),
      ]
      const path = `/frozen-${index}`
      await settled()
      await using a = await open([frozen as Server, ...others].map(hostOf), {
        context: inOrder(),
        sessionTimeoutMs,
      })
      const { client } = a
      await client.create(path, bytes(''), 'ephemeral', soon())
      const led = (await ask(hostOf(frozen as Server), 'srvr')).includes('Mode: leader')
      await (frozen as Server).pause()
      try {
        // heartbeats as a driver sends them; the first may be answered before the freeze
        const answered = () =>
          client.exists('/', AbortSignal.timeout(1_000)).then(
            () => true,
            () => false,
          )
        await until('a heartbeat is unanswered', async () => !(await answered()), sessionTimeoutMs)
        client.reconnect()
        await until(
          'a heartbeat is answered, or the session has ended',
          async () => client.ended.aborted || !!(await client.exists('/', soon(500))),
          2 * sessionTimeoutMs,
        )
        // an election may take longer than the session's timeout: then the client ends it by its
        // own clock
        const outlasted = client.ended.aborted
        expect(outlasted && !led).toBe(false)
        expect(isCode(client.ended.reason, 'OPERATION_TIMEOUT')).toBe(outlasted)
        if (outlasted) return
        expect(await client.exists(path, soon())).toMatchObject({
          ephemeralOwner: client.sessionId,
        })
        // the loss of a leader cuts the connection once more, as the others elect a new one
        const lost = a.states.filter((state) => state === 'disconnected').length
        expect(lost).toBeLessThan(8)
        expect(client.ended.aborted).toBe(false)
        await client.close(soon())
      } finally {
        await (frozen as Server).resume()
      }
    },
  )

  test('when its member is killed, it moves to another within the session', async () => {
    const [killed] = cluster.servers
    await settled()
    await using a = await open(hosts, { context: inOrder(), sessionTimeoutMs })
    const { client } = a
    await client.create('/killed', bytes(''), 'ephemeral', soon())
    await killed?.stop('kill')
    try {
      await until('connected again', () => client.state === 'connected', sessionTimeoutMs)
      expect(await client.exists('/killed', soon())).toMatchObject({
        ephemeralOwner: client.sessionId,
      })
    } finally {
      await killed?.start()
    }
  })

  test('a frozen first host delays the connection only until the next host is tried too', async () => {
    const [first] = cluster.servers
    await settled()
    await first?.pause()
    try {
      const tookMs = await fastest(async () => {
        await using a = await open(hosts, { context: inOrder(), sessionTimeoutMs })
        expect(a.client.state).toBe('connected')
      })
      expect(tookMs).toBeLessThan(1_500)
    } finally {
      await first?.resume()
    }
  })

  test('close is confirmed by another member when the client’s own is frozen', async () => {
    const [first] = cluster.servers
    await settled()
    await using a = await open(hosts, { context: inOrder(), sessionTimeoutMs })
    await using b = await open(hosts.slice(1), { sessionTimeoutMs })
    await a.client.create('/leaving', bytes(''), 'ephemeral', soon())
    await until(
      'b sees the node',
      async () => !!(await b.client.exists('/leaving', soon())),
      slackMs,
    )
    await first?.pause()
    try {
      expect(await codeOf(a.client.close(soon(sessionTimeoutMs)))).toBe('none')
      await until(
        'the client has left the member',
        async () => !(await b.client.exists('/leaving', soon())),
        slackMs,
      )
    } finally {
      await first?.resume()
    }
  })
})
