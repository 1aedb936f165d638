import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { TcpProxy } from '../../src/servers/tcp-proxy.ts'
import { eventually } from '../../src/eventually.ts'

let server: Server
let proxy: TcpProxy
const sockets = new Set<Socket>()

/** A client that records the bytes received and how the connection ended. */
class Client {
  readonly socket: Socket
  received = ''
  ended: 'open' | 'end' | 'reset' = 'open'

  constructor(endpoint: string) {
    const [host = '', port] = endpoint.split(':')
    this.socket = connect({ host, port: Number(port), noDelay: true })
    this.socket.on('data', (data) => (this.received += data.toString()))
    this.socket.on('end', () => (this.ended = 'end'))
    this.socket.on('error', () => (this.ended = 'reset'))
    sockets.add(this.socket)
  }

  async says(text: string, answer = text): Promise<void> {
    this.received = ''
    this.socket.write(text)
    await eventually(`'${answer}' is received`, 5_000, () => this.received === answer)
  }

  async is(state: 'end' | 'reset'): Promise<void> {
    await eventually(`the connection ended by ${state}`, 5_000, () => this.ended === state)
  }
}

beforeEach(async () => {
  // An echo server; on '!N' it sends 'x' N times.
  server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('data', (data) => {
      const text = data.toString()
      socket.write(text.startsWith('!') ? 'x'.repeat(Number(text.slice(1))) : text)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  proxy = await TcpProxy.to(`127.0.0.1:${port}`)
})

afterEach(async () => {
  await proxy[Symbol.asyncDispose]()
  for (const socket of sockets) socket.destroy()
  sockets.clear()
  server.close()
})

describe('a proxy', () => {
  test('passes bytes both ways, counts them, and counts its open connections', async () => {
    const client = new Client(proxy.endpoint)
    await client.says('!10', 'x'.repeat(10))
    expect(proxy.bytes).toEqual({ fromClient: 3, fromServer: 10 })
    expect(proxy.connections).toBe(1)
    client.socket.end()
    await client.is('end')
    await eventually('it is closed', 5_000, () => proxy.connections === 0)
    expect(proxy.accepted).toBe(1)
  })

  test('keeps order when the latency shrinks', async () => {
    const client = new Client(proxy.endpoint)
    await client.says('a')
    proxy.latency(150)
    client.received = ''
    const before = performance.now()
    client.socket.write('1')
    await eventually(
      'the first byte left the proxy for the server',
      30_000,
      () => proxy.bytes.fromClient === 2,
    )
    await eventually('its echo waits in the proxy', 30_000, () => performance.now() - before > 200)
    proxy.latency(0)
    client.socket.write('2')
    await eventually('both are received', 5_000, () => client.received.length === 2)
    expect(client.received).toBe('12')
  })

  test('delays each direction', async () => {
    const client = new Client(proxy.endpoint)
    await client.says('a')
    proxy.latency(60)
    const before = performance.now()
    await client.says('b')
    expect(performance.now() - before).toBeGreaterThanOrEqual(115)
  })

  test('partitions: open and new connections are silent, and healing resets them', async () => {
    const [hit, untouched] = [new Client(proxy.endpoint), new Client(proxy.endpoint)]
    await hit.says('a')
    await untouched.says('a')
    proxy.partition(true)
    hit.socket.write('lost')
    const late = new Client(proxy.endpoint)
    await once(late.socket, 'connect')
    late.socket.write('lost')
    await eventually('both were accepted', 5_000, () => proxy.connections === 3)
    expect(hit.received).toBe('a')
    expect([hit.ended, late.ended]).toEqual(['open', 'open'])
    await eventually('the bytes are dropped', 5_000, () => hit.socket.writableLength === 0)
    proxy.partition(false)
    await late.is('reset')
    await untouched.says('b')
    await new Client(proxy.endpoint).says('c')
    expect(proxy.bytes.fromClient).toBe(4)
  })

  test.each([
    { from: 'client', received: 'apushed', fromClient: 1 },
    { from: 'server', received: 'a', fromClient: 5 },
  ] as const)('partitions what the $from sends, and passes the rest', async (expected) => {
    const accepted = once(server, 'connection') as Promise<[Socket]>
    const client = new Client(proxy.endpoint)
    await client.says('a')
    const [peer] = await accepted
    proxy.partition(true, expected.from)
    for (const [socket, text] of [
      [client.socket, 'sent'],
      [peer, 'pushed'],
    ] as const)
      await new Promise((resolve) => socket.write(text, resolve))
    await eventually('the rest has passed', 5_000, () => {
      const { fromClient } = proxy.bytes
      return client.received === expected.received && fromClient === expected.fromClient
    })
    proxy.partition(false)
    await client.is('reset')
    expect(client.received).toBe(expected.received)
  })

  test('does not pass on the end of the server’s connection while partitioned', async () => {
    const client = new Client(proxy.endpoint)
    await client.says('a')
    proxy.partition(true)
    for (const socket of sockets) if (socket !== client.socket) socket.resetAndDestroy()
    const witness = new Client(proxy.endpoint)
    await once(witness.socket, 'connect')
    expect(client.ended).toBe('open')
    proxy.partition(false)
    await client.is('reset')
  })

  test('refuses', async () => {
    const open = new Client(proxy.endpoint)
    await open.says('a')
    proxy.refuse(true)
    await open.is('reset')
    await new Client(proxy.endpoint).is('reset')
    proxy.refuse(false)
    await new Client(proxy.endpoint).says('b')
    expect(proxy.accepted).toBe(3)
  })

  test('resets all connections', async () => {
    const clients = [new Client(proxy.endpoint), new Client(proxy.endpoint)]
    for (const client of clients) await client.says('a')
    proxy.reset()
    for (const client of clients) await client.is('reset')
    expect(proxy.connections).toBe(0)
  })

  test('cuts one connection, at the exact byte', async () => {
    proxy.cutAfter(5)
    const client = new Client(proxy.endpoint)
    await client.says('abc')
    client.socket.write('defgh')
    await client.is('reset')
    expect(client.received).toBe('abcde')
    expect(proxy.bytes.fromServer).toBe(5)
    await new Client(proxy.endpoint).says('longer than five')
  })

  test('cuts every connection until uncut', async () => {
    proxy.cutAfter(2, 'always')
    for (let time = 0; time < 2; time++) {
      const client = new Client(proxy.endpoint)
      client.socket.write('abc')
      await client.is('reset')
      expect(client.received).toBe('ab')
    }
    proxy.uncut()
    await new Client(proxy.endpoint).says('abc')
  })

  test('counts its cuts', async () => {
    proxy.cutAfter(3, 'always')
    for (const cuts of [1, 2]) {
      const client = new Client(proxy.endpoint)
      client.socket.write('!5')
      await client.is('reset')
      expect(proxy.cuts).toBe(cuts)
    }
  })

  test('silences open connections, and passes later ones; ending the fault resets the silent ones', async () => {
    const silent = new Client(proxy.endpoint)
    await silent.says('a')
    proxy.silence()
    silent.socket.write('b')
    const later = new Client(proxy.endpoint)
    await later.says('c')
    expect([silent.received, silent.ended]).toEqual(['a', 'open'])
    proxy.unsilence()
    await silent.is('reset')
    await later.says('d')
  })

  test('silences only connections that send more than the limit from then on', async () => {
    const [writing, beating] = [new Client(proxy.endpoint), new Client(proxy.endpoint)]
    await writing.says('before it counts')
    proxy.hangAfter(4)
    await writing.says('abcd')
    writing.socket.write('e')
    for (const beat of ['1', '2', '3', '4']) await beating.says(beat)
    expect([writing.received, writing.ended]).toEqual(['abcd', 'open'])
    proxy.heal()
    await writing.is('reset')
    await beating.says('more than four')
  })

  test('passes much data to a slow reader without loss', async () => {
    const client = new Client(proxy.endpoint)
    await client.says('a')
    client.received = ''
    client.socket.pause()
    client.socket.write('!8000000')
    await eventually('data flows', 5_000, () => proxy.bytes.fromServer > 100_000)
    client.socket.resume()
    await eventually('all data is received', 10_000, () => client.received.length === 8_000_000)
    expect(proxy.bytes.fromServer).toBe(8_000_001)
  })

  test('can be disposed of with open connections', async () => {
    const idle = new Client(proxy.endpoint)
    await idle.says('a')
    proxy.latency(60_000)
    idle.socket.write('never')
    const full = new Client(proxy.endpoint)
    proxy.partition(true)
    await once(full.socket, 'connect')
    await proxy[Symbol.asyncDispose]()
    await idle.is('reset')
    expect(proxy.connections).toBe(0)
  })

  test('resets new connections while the server is down', async () => {
    server.close()
    const client = new Client(proxy.endpoint)
    await client.is('reset')
    expect(proxy.connections).toBe(0)
    expect(proxy.bytes.fromServer).toBe(0)
  })
})
