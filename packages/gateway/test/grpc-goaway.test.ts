import { once } from 'node:events'
import http2, { constants } from 'node:http2'
import type { Socket } from 'node:net'
import { Client, credentials } from '@grpc/grpc-js'
import { describe, expect, test } from 'vitest'
import { Http2Connections } from '../src/http2-connections.ts'
import { World } from './world.ts'

const bytes = (message: Buffer): Buffer => message
const path = '/test.Echo/Chat'

/** A frame of HTTP/2 (RFC 9113, 4.1). */
const frame = (type: number, payload: Buffer = Buffer.alloc(0)): Buffer => {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  return Buffer.concat([head, payload])
}
const settings = frame(4)
const goaway = (lastStreamId: number, code: number): Buffer => {
  const payload = Buffer.alloc(8)
  payload.writeUInt32BE(lastStreamId, 0)
  payload.writeUInt32BE(code, 4)
  return frame(7, payload)
}
const { NGHTTP2_NO_ERROR: noError, NGHTTP2_ENHANCE_YOUR_CALM: tooMuch } = constants

/** Resolves when a client has sent the head of a request. */
const untilRequest = async (socket: Socket): Promise<void> => {
  const types = new Set<number>()
  let received = Buffer.alloc(0)
  // after the preface of 24 bytes
  for (let at = 24; !types.has(1);) {
    const [chunk] = (await once(socket, 'data')) as [Buffer]
    received = Buffer.concat([received, chunk])
    while (at + 9 <= received.length) {
      types.add(received[at + 3] as number)
      at += 9 + received.readUIntBE(at, 3)
    }
  }
}

/** A server of HTTP/2 that sends back what it gets, and ends with the status 0. */
const echoServer = (): http2.Http2Server =>
  http2.createServer().on('stream', (stream) => {
    stream.respond(
      { ':status': 200, 'content-type': 'application/grpc' },
      { waitForTrailers: true },
    )
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    stream.on('error', () => {}).pipe(stream)
  })

/** Registers an instance whose first connection is handled by `first`; the later ones echo. */
const instance = async (
  world: World,
  first?: (socket: Socket) => Promise<void>,
  pauseMs = 0,
): Promise<void> => {
  const server = echoServer()
  let left = first
  await world.tcp((socket) => {
    if (left === undefined) setTimeout(() => server.emit('connection', socket), pauseMs)
    else void left(socket).catch(() => {})
    left = undefined
  })
}

/** Sends messages through the gateway in one call, and returns those that came back. */
const echo = async (world: World, ...messages: readonly Buffer[]): Promise<Buffer[]> => {
  await using stack = new AsyncDisposableStack()
  const client = new Client(`127.0.0.1:${world.port}`, credentials.createInsecure(), {
    'grpc.enable_retries': 0,
  })
  stack.defer(() => client.close())
  const call = client.makeBidiStreamRequest(path, bytes, bytes)
  for (const message of messages) call.write(message)
  call.end()
  return (await call.toArray()) as Buffer[]
}

describe('a gRPC call is not lost', () => {
  test('when GOAWAY names an error, and a last stream before it', async () => {
    await using world = await World.create()
    await instance(world, async (socket) => {
      socket.write(settings)
      await untilRequest(socket)
      socket.write(goaway(0, tooMuch))
    })
    await world.gateway()
    expect(String(await echo(world, Buffer.from('hello')))).toBe('hello')
  })

  test('when GOAWAY comes with the settings', async () => {
    await using world = await World.create()
    await instance(world, async (socket) => {
      socket.end(Buffer.concat([settings, goaway(0, noError)]))
    })
    await world.gateway()
    expect(String(await echo(world, Buffer.from('hello')))).toBe('hello')
  })

  test('when the kernel accepts a connection, and the instance never does', async () => {
    await using world = await World.create()
    // as when the listening socket is closed before `accept`
    await world.tcp((socket) => socket.once('data', () => socket.resetAndDestroy()))
    await instance(world)
    await world.gateway([{ service: 'orders', balancer: { strategy: 'round-robin' } }])
    for (let i = 0; i < 4; i += 1)
      expect(String(await echo(world, Buffer.from('hello')))).toBe('hello')
  })

  test('when more of it comes before another instance is reached than is kept', async () => {
    await using world = await World.create()
    await instance(
      world,
      async (socket) => {
        socket.write(settings)
        await untilRequest(socket)
        socket.write(goaway(0, noError))
      },
      200,
    )
    await world.gateway()
    const messages = Array.from({ length: 20 }, (_, i) => Buffer.alloc(10_000, String(i)))
    const answers = await echo(world, ...messages)
    expect(Buffer.concat(answers).equals(Buffer.concat(messages))).toBe(true)
  })
})

const plain = { tls: undefined, tlsName: (hostname: string) => hostname, connectMs: 0 }
const head = { ':method': 'POST', ':path': path, te: 'trailers' }

describe('connections to instances', () => {
  test('end the streams that are about to be sent when an instance leaves', async () => {
    await using world = await World.create()
    const { port } = await world.server(echoServer())
    const endpoint = `grpc://127.0.0.1:${port}`
    const connections = new Http2Connections(plain)
    const held = Array.from({ length: 6 }, () => connections.connect(endpoint))
    connections.leave(endpoint)
    const codes = await Promise.all(
      held.map(async (pending) => {
        const stream = (await pending).request(head)
        connections.leave(endpoint)
        stream.resume().end()
        await once(stream, 'close')
        return stream.rstCode
      }),
    )
    expect(codes).toEqual(Array.from({ length: 6 }, () => noError))
    await connections.close()
  })
})
