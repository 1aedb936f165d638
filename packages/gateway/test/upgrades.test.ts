import { once } from 'node:events'
import { createServer } from 'node:http'
import { describe, expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { FrameBoundary } from '../src/frame-boundary.ts'
import { statusOf, World } from './world.ts'

const handshake =
  'GET /socket HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n' +
  'sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'

/** Registers a server of WebSockets that echoes and refuses `/no`. */
const echoServer = async (world: World): Promise<WebSocketServer> => {
  const server = createServer()
  const { port } = await world.server(server)
  const sockets = new WebSocketServer({ noServer: true })
  server.on('upgrade', (request, socket, head) => {
    if (request.url === '/no')
      return void socket.end(
        'HTTP/1.1 401 Unauthorized\r\ncontent-length: 6\r\nx-why: token\r\n\r\nno way',
      )
    sockets.handleUpgrade(request, socket, head, (client) => {
      client.send(JSON.stringify(request.headers))
      client.on('message', (data) => client.send(data))
    })
  })
  await world.register(port)
  return sockets
}

const connect = async (
  world: World,
  path = '/',
): Promise<{ socket: WebSocket; headers: Record<string, string> }> => {
  const socket = new WebSocket(`ws://127.0.0.1:${world.port}${path}`)
  const [message] = (await once(socket, 'message')) as [Buffer]
  return { socket, headers: JSON.parse(message.toString()) as Record<string, string> }
}

describe('a WebSocket', () => {
  test('passes messages both ways', async () => {
    await using world = await World.create()
    await echoServer(world)
    const gateway = await world.gateway()
    const { socket, headers } = await connect(world)
    expect(headers).toMatchObject({
      connection: 'upgrade',
      upgrade: 'websocket',
      'x-forwarded-for': '127.0.0.1',
      host: `127.0.0.1:${world.port}`,
    })
    const big = 'x'.repeat(1_000_000)
    for (const text of ['hello', big]) {
      socket.send(text)
      const [answer] = (await once(socket, 'message')) as [Buffer]
      expect(answer.toString() === text).toBe(true)
    }
    expect(gateway.upgraded).toBe(1)
    socket.close(4_000)
    expect((await once(socket, 'close'))[0]).toBe(4_000)
    await expect.poll(() => gateway.requests).toBe(0)
  })

  test('that an instance refuses gets the instance’s answer', async () => {
    await using world = await World.create()
    await echoServer(world)
    const gateway = await world.gateway()
    const text = await world.raw(handshake.replace('/socket', '/no'))
    expect(text).toMatch(/^HTTP\/1.1 401 Unauthorized[^]*x-why: token[^]*\r\n\r\nno way$/)
    await expect.poll(() => gateway.requests).toBe(0)
  })

  test('finds another instance if one cannot be reached', async () => {
    await using world = await World.create()
    const { port, server } = await world.server(createServer())
    server.close()
    await world.register(port)
    await echoServer(world)
    await world.gateway()
    for (let i = 0; i < 5; i += 1) (await connect(world)).socket.terminate()
    expect(port).toBeGreaterThan(0)
  })

  test('without an instance gets problem details', async () => {
    await using world = await World.create()
    const gateway = await world.gateway()
    const text = await world.raw(handshake)
    expect(statusOf(text)).toBe(503)
    expect(text).toContain('"reason":"no-instance"')
    await expect.poll(() => gateway.requests).toBe(0)
  })

  test('is told to go when the gateway stops, between two frames', async () => {
    await using world = await World.create()
    const sockets = await echoServer(world)
    const gateway = await world.gateway()
    const { socket } = await connect(world)
    const [client] = [...sockets.clients]
    const received: string[] = []
    socket.on('message', (data: Buffer) => received.push(String(data.length)))
    client?.send('x'.repeat(3_000_000))
    const stopped = gateway.stop()
    expect((await once(socket, 'close'))[0]).toBe(1_001)
    await stopped
    expect(received.every((length) => length === '3000000')).toBe(true)
  })

  test('ends with its instance, and the other way round', async () => {
    await using world = await World.create()
    const sockets = await echoServer(world)
    await world.gateway()
    const { socket } = await connect(world)
    for (const client of sockets.clients) client.terminate()
    expect((await once(socket, 'close'))[0]).toBe(1_006)
    const second = await connect(world)
    second.socket.terminate()
    await expect.poll(() => sockets.clients.size).toBe(0)
  })
})

describe('an upgrade that is not passed through', () => {
  test.each([
    ['with a body', handshake.replace('\r\n\r\n', '\r\ncontent-length: 40\r\n\r\n')],
    ['by POST', handshake.replace('GET', 'POST')],
  ])('%s: 400', async (_, text) => {
    await using world = await World.create()
    await world.backend()
    const gateway = await world.gateway()
    expect(statusOf(await world.raw(text))).toBe(400)
    await expect.poll(() => gateway.requests).toBe(0)
  })

  test('to h2c is answered as a plain request', async () => {
    await using world = await World.create()
    const backend = await world.backend()
    await world.gateway()
    const text = await world.raw(
      'GET /plain HTTP/1.1\r\nhost: a\r\nconnection: close, Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n\r\n',
    )
    expect(statusOf(text)).toBe(200)
    expect(backend.seen[0]?.headers).not.toHaveProperty('upgrade')
    expect(backend.seen[0]?.headers).not.toHaveProperty('http2-settings')
  })

  test('that the instance does not accept opens no tunnel', async () => {
    await using world = await World.create()
    const backend = await world.backend((_request, response) => {
      response.writeHead(426, { 'content-length': 0 }).end()
    })
    await world.gateway()
    const text = await world.raw(`${handshake}GET /smuggled HTTP/1.1\r\nhost: b\r\n\r\n`)
    expect(statusOf(text)).toBe(426)
    expect(backend.seen.map(({ url }) => url)).toEqual(['/socket'])
  })
})

describe('frames', () => {
  const frame = (length: number, masked: boolean): Buffer => {
    const size = length < 126 ? 0 : length < 65_536 ? 2 : 8
    const head = Buffer.alloc(2 + size + (masked ? 4 : 0))
    head[0] = 0x82
    head[1] = (size === 0 ? length : size === 2 ? 126 : 127) | (masked ? 0x80 : 0)
    if (size === 2) head.writeUInt16BE(length, 2)
    if (size === 8) head.writeBigUInt64BE(BigInt(length), 2)
    return Buffer.concat([head, Buffer.alloc(length, 0x88)])
  }

  test('end at the same place however they are cut', () => {
    const lengths = [0, 1, 125, 126, 300, 65_535, 65_536, 5]
    const frames = lengths.flatMap((length) => [frame(length, true), frame(length, false)])
    const ends = new Set<number>([0])
    let total = 0
    for (const { length } of frames) ends.add((total += length))
    const all = Buffer.concat(frames)
    for (const step of [1, 2, 7, 1_000, 65_537]) {
      const boundary = new FrameBoundary()
      let wrong = 0
      for (let at = 0; at < all.length; at += step) {
        boundary.pass(all.subarray(at, at + step))
        if (boundary.between !== ends.has(Math.min(at + step, all.length))) wrong += 1
      }
      expect(wrong).toBe(0)
    }
    const boundary = new FrameBoundary()
    boundary.pass(all.subarray(0, 1))
    expect(boundary.passToEnd(all.subarray(1))).toBe((frames[0] as Buffer).length - 1)
  })
})
