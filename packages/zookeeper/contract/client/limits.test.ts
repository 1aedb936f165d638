import { once } from 'node:events'
import { connect as dial, type Socket } from 'node:net'
import { connect as dialSecurely } from 'node:tls'
import { codeOf } from '@sd/contract-tests/world'
import { StrangeHost, TcpProxy } from '@sd/contract-tests/servers'
import { provisionFor, until } from '@sd/test-servers'
import { describe, expect, test } from 'vitest'
import { withSettings } from '../support.ts'
import { hostOf, inOrder, make, open, soon } from './support.ts'
import { clientTls, isOverTls, launchZooKeeper } from '../test-tls.ts'

const controllable = (await provisionFor('zookeeper')).how !== 'endpoint'

/** ZooKeeper's default of maxClientCnxns. */
const maxConnections = 60

describe.runIf(controllable)('what keeps a client from a connection', () => {
  test('as many connections as maxClientCnxns allows: the error names it, and room ends it', async () => {
    // by default a server closes connections without a session after 10 to 20 s
    await using cluster = await launchZooKeeper(
      withSettings({ properties: { 'zookeeper.nio.sessionlessCnxnTimeout': '120000' } }),
    )
    const [endpoint = ''] = cluster.servers.map(hostOf)
    const [host = '', port = ''] = endpoint.split(':')
    const to = { host, port: Number(port), ...clientTls.tls }
    const sockets: Socket[] = []
    for (let count = 0; count < maxConnections; count++) {
      // with TLS a server counts connections after the handshake
      const socket = isOverTls ? dialSecurely(to) : dial(to)
      socket.on('error', () => {})
      sockets.push(socket)
      await once(socket, isOverTls ? 'secureConnect' : 'connect')
    }
    // A busy server accepts late, which looks like silence, and counts a connection after it has
    // accepted it: one more may get in before all of the others are counted.
    let message = ''
    await until('the server has as many as it allows', async () => {
      const client = make([endpoint])
      message = await client.connect(soon()).then(() => 'connected', String)
      await client.close(soon()).catch(() => {})
      if (message === 'connected' || message.includes('does not answer')) throw new Error(message)
      return true
    })
    expect(message).toMatch(/CONNECTION_LOSS.* hangs up (?:before|during) .*maxClientCnxns/)
    for (const socket of sockets) socket.destroy()
    await until('there is room again', async () => {
      await using opened = await open([endpoint], { sessionTimeoutMs: 10_000 })
      return opened.client.state === 'connected'
    })
  })

  test('a request above the jute.maxbuffer of a server: the error names it', async () => {
    await using cluster = await launchZooKeeper(
      withSettings({ properties: { 'jute.maxbuffer': '200000' } }),
    )
    await using opened = await open(cluster.servers.map(hostOf), { sessionTimeoutMs: 10_000 })
    const { client } = opened
    const data = new Uint8Array(300_000)
    await expect(client.create('/large', data, 'persistent', soon())).rejects.toMatchObject({
      code: 'CONNECTION_LOSS',
      message: expect.stringMatching(/a request of 3000\d\d bytes .*jute\.maxbuffer/) as string,
    })
    await expect(
      client.create('/larger', new Uint8Array(1_000_000), 'persistent', soon()),
    ).rejects.toMatchObject({
      code: 'TOO_LARGE',
      message: expect.stringMatching(/at most 1000000, .*jute\.maxbuffer/) as string,
    })
    await until('connected again', () => client.state === 'connected')
    await client.create('/small', new Uint8Array(1_000), 'persistent', soon())
  })

  test('each host is named with what it did last', async () => {
    await using refuses = await StrangeHost.that('refuses')
    await using silent = await StrangeHost.that('silent')
    await using closes = await StrangeHost.that('closes')
    await using garbage = await StrangeHost.that('garbage')
    const hosts = [refuses, silent, closes, garbage].map(({ endpoint }) => endpoint)
    const failure: unknown = await make([...hosts, 'no-such-host.invalid:2181'])
      .connect(soon())
      .catch((error: unknown) => error)
    const message = String(failure)
    expect(message).toContain(`${hosts[0]}: it refuses connections`)
    expect(message).toMatch(
      new RegExp(`${hosts[1]}: it accepts and does not answer within \\d+ ms`),
    )
    const inWords = isOverTls
      ? ['it hangs up during the TLS handshake', 'it does not speak TLS']
      : ['it hangs up before it answers', 'it is no ZooKeeper server, or one that expects TLS']
    expect(message).toContain(`${hosts[2]}: ${inWords[0]}`)
    expect(message).toContain(`${hosts[3]}: ${inWords[1]}`)
    expect(message).toMatch(/no-such-host\.invalid:2181: its name/)
  })

  test('a session that was granted less than asked survives a reset with a silent member', async () => {
    await using cluster = await launchZooKeeper()
    await using proxy = await TcpProxy.to(cluster.servers.map(hostOf)[0] ?? '')
    await using silent = await StrangeHost.that('silent')
    // 10 s are granted
    await using a = await open([proxy.endpoint, silent.endpoint], {
      context: inOrder(),
      sessionTimeoutMs: 60_000,
    })
    const { client } = a
    const { sessionId } = client
    for (let round = 0; round < 3; round++) {
      proxy.reset()
      await until('it left', () => client.state !== 'connected', 2_000)
      await until('connected again', () => client.state === 'connected', client.sessionTimeoutMs)
    }
    expect(client.sessionId).toBe(sessionId)
    expect(await codeOf(client.exists('/', soon()))).toBe('none')
  })
})
