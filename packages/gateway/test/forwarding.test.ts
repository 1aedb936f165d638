import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { describe, expect, test } from 'vitest'
import { RawClient, statusOf, World } from './world.ts'

const close = 'connection: close\r\n'

describe('a request reaches an instance', () => {
  test('with the client’s Host, its headers, and where it came from', async () => {
    await using world = await World.create()
    const backend = await world.backend()
    await world.gateway()
    await world.request('/a/b?c=d', {
      method: 'POST',
      headers: { host: 'shop.example:8080', 'x-twice': ['1', '2'], 'x-forwarded-for': '6.6.6.6' },
    })
    const [{ url, headers } = { url: '', headers: {} }] = backend.seen
    expect(url).toBe('/a/b?c=d')
    expect(headers).toMatchObject({
      host: 'shop.example:8080',
      'x-twice': '1, 2',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'shop.example:8080',
      forwarded: 'for=127.0.0.1;host="shop.example:8080";proto=http',
      via: '1.1 sd-gateway',
    })
  })

  test('without what concerns the client’s connection', async () => {
    await using world = await World.create()
    const backend = await world.backend()
    await world.gateway()
    const text = await world.raw(
      'GET / HTTP/1.1\r\nhost: a\r\nconnection: close, X-Hop, x-forwarded-for\r\nx-hop: 1\r\nte: trailers\r\n' +
        'trailer: x\r\nkeep-alive: timeout=5\r\nproxy-authorization: Basic x\r\nproxy-connection: close\r\n' +
        'proxy: evil\r\nupgrade: h2c\r\nhttp2-settings: AAA\r\nX_Forwarded_For: 6.6.6.6\r\nx-real-ip: 6.6.6.6\r\n' +
        'transfer_encoding: chunked\r\nx-end: 1\r\n\r\n',
    )
    expect(statusOf(text)).toBe(200)
    const names = Object.keys(backend.seen[0]?.headers ?? {})
    expect(names.toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
      'connection',
      'forwarded',
      'host',
      'via',
      'x-end',
      'x-forwarded-for',
      'x-forwarded-host',
      'x-forwarded-proto',
    ])
    expect(backend.seen[0]?.headers['x-forwarded-for']).toBe('127.0.0.1')
  })

  test.each([
    [1, '2.2.2.2, 127.0.0.1', 'for=2.2.2.2, for=127.0.0.1;host="a";proto=http'],
    [
      2,
      '1.1.1.1, 2.2.2.2, 127.0.0.1',
      'for="[::1]:5,6", for=2.2.2.2, for=127.0.0.1;host="a";proto=http',
    ],
    [
      3,
      '6.6.6.6, 1.1.1.1, 2.2.2.2, 127.0.0.1',
      'for=6.6.6.6, for="[::1]:5,6", for=2.2.2.2, for=127.0.0.1;host="a";proto=http',
    ],
  ])('with what %i trusted proxies said about it', async (trustedHops, forwardedFor, forwarded) => {
    await using world = await World.create()
    const backend = await world.backend()
    await world.gateway([{ service: 'orders' }], { trustedHops })
    await world.request('/', {
      headers: {
        host: 'a',
        'x-forwarded-for': ['9.9.9.9, 6.6.6.6', '1.1.1.1, 2.2.2.2'],
        'x-forwarded-proto': 'https',
        forwarded: 'for=9.9.9.9, for=6.6.6.6, for="[::1]:5,6", for=2.2.2.2',
      },
    })
    expect(backend.seen[0]?.headers).toMatchObject({
      'x-forwarded-for': forwardedFor,
      'x-forwarded-proto': 'https',
      forwarded,
    })
  })

  test('after 100 Continue once an instance reads the body', async () => {
    await using world = await World.create()
    const backend = await world.backend()
    await world.gateway([{ service: 'orders', prefix: '/orders' }])
    const client = world.connect()
    client.socket.write(
      'POST /orders HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n',
    )
    expect(await client.until(/100 Continue/)).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\n$/)
    client.socket.write('hi')
    expect(await client.until(/ok$/)).toContain('HTTP/1.1 200')
    expect(backend.seen[0]).toMatchObject({ body: 'hi' })
    expect(backend.seen[0]?.headers.expect).toBe(undefined)
    const refused = await world.raw(
      `POST /other HTTP/1.1\r\nhost: a\r\n${close}expect: 100-continue\r\ncontent-length: 2\r\n\r\n`,
    )
    expect(statusOf(refused)).toBe(404)
  })

  test('over HTTP/1.0', async () => {
    await using world = await World.create()
    const backend = await world.backend((request, response) => {
      if (request.url === '/hint') response.writeEarlyHints({ link: '</a>; rel=preload' })
      response.write('in ')
      response.end('parts')
    })
    await world.gateway()
    expect(await world.raw('GET /hint HTTP/1.0\r\nhost: a\r\n\r\n')).toMatch(
      /^HTTP\/1.1 200 [^]*\r\n\r\nin parts$/,
    )
    expect(await world.raw('GET / HTTP/1.0\r\n\r\n')).toMatch(/in parts$/)
    expect(backend.seen.map(({ headers }) => headers.host)).toEqual(['a', 'orders.sd'])
  })
})

describe('a response reaches the client', () => {
  const answer =
    (act: (response: ServerResponse, request: IncomingMessage) => void) =>
    (request: IncomingMessage, response: ServerResponse): void => {
      request.resume()
      act(response, request)
    }

  test('without what concerns the instance’s connection', async () => {
    await using world = await World.create()
    await world.backend(
      answer((response) => {
        response.writeHead(201, 'Made', [
          ...['Connection', 'x-secret, keep-alive', 'x-secret', '1', 'Keep-Alive', 'timeout=99'],
          ...['Proxy-Authenticate', 'Basic', 'Upgrade', 'h2c', 'X-Kept', 'ü', 'Set-Cookie', 'a=1'],
          ...['Set-Cookie', 'b=2', 'Trailer', 'x-sum'],
        ])
        response.end('body')
      }),
    )
    await world.gateway()
    const text = await world.raw(`GET / HTTP/1.1\r\nhost: a\r\n${close}\r\n`)
    expect(text.split('\r\n')[0]).toBe('HTTP/1.1 201 Made')
    const names = [...text.matchAll(/^([\w-]+): /gm)].map(([, name]) => String(name).toLowerCase())
    expect(names.toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
      'connection',
      'date',
      'set-cookie',
      'set-cookie',
      'transfer-encoding',
      'x-kept',
    ])
    expect(text).toContain('X-Kept: ü')
    expect(text).toMatch(/connection: close/i)
  })

  test.each([
    ['HEAD', 200, { 'content-length': '1234' }],
    ['GET', 204, {}],
    ['GET', 304, { etag: '"x"', 'content-length': '77' }],
  ] as const)('%s %i has no body', async (method, status, headers) => {
    await using world = await World.create()
    await world.backend(answer((response) => response.writeHead(status, headers).end()))
    await world.gateway()
    for (let i = 0; i < 3; i += 1) {
      const text = await world.raw(`${method} / HTTP/1.1\r\nhost: a\r\n${close}\r\n`)
      expect(statusOf(text)).toBe(status)
      expect(text).toMatch(/\r\n\r\n$/)
      expect(text).not.toMatch(/transfer-encoding/i)
      for (const [name, value] of Object.entries(headers))
        expect(text).toContain(`${name}: ${value}`)
    }
  })

  test('with early hints and trailers', async () => {
    await using world = await World.create()
    await world.backend(
      answer((response) => {
        response.writeEarlyHints({ link: '</a>; rel=preload' })
        response.writeHead(200, { trailer: 'x-sum' })
        response.write('a')
        response.addTrailers({ 'x-sum': '42' })
        response.end()
      }),
    )
    await world.gateway()
    const { hints, trailers } = await world.request('/')
    expect(hints).toMatchObject([{ statusCode: 103, headers: { link: '</a>; rel=preload' } }])
    expect(trailers).toEqual({ 'x-sum': '42' })
  })

  test('without an early hint that is malformed', async () => {
    await using world = await World.create()
    await world.tcp((socket) =>
      socket.on('data', () =>
        socket.end(
          'HTTP/1.1 103 Early Hints\r\nlink: nonsense\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok',
        ),
      ),
    )
    await world.gateway()
    expect(await world.request('/')).toMatchObject({ status: 200, body: 'ok' })
  })

  test('before the request’s body has arrived, whole', async () => {
    await using world = await World.create()
    await world.backend((_request, response) => {
      response.writeHead(401, { connection: 'close' }).end('x'.repeat(100_000))
    })
    await world.gateway()
    const client = world.connect()
    client.socket.write('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\nhalf')
    await client.untilLength(100_000)
    expect(statusOf(client.text)).toBe(401)
    expect(client.socket.closed).toBe(false)
    client.socket.write('y'.repeat(1_000_000 - 4))
    client.socket.write(`GET / HTTP/1.1\r\nhost: a\r\n${close}\r\n`)
    await client.closed
    expect(client.text.match(/HTTP\/1.1 401/g)).toHaveLength(2)
  })

  test.each([
    ['with a length', { 'content-length': '100' }],
    ['in chunks', {}],
  ])('incomplete when the instance dies after the headers, %s', async (_, headers) => {
    await using world = await World.create()
    const dying = Promise.withResolvers<ServerResponse>()
    await world.backend((_request, response) => {
      response.writeHead(200, headers)
      response.write('half')
      dying.resolve(response)
    })
    await world.gateway()
    const client = world.connect()
    client.socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    await client.until(/half/)
    ;(await dying.promise).destroy()
    await client.closed
    expect(client.text).toMatch(/half(\r\n)?$/)
  })
})

describe('a client that leaves', () => {
  test('during the response ends it at the instance', async () => {
    await using world = await World.create()
    const gone = Promise.withResolvers<void>()
    await world.backend((_request, response) => {
      response.write('begun')
      response.on('close', () => gone.resolve())
    })
    const gateway = await world.gateway()
    const client = world.connect()
    client.socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    await client.until(/begun/)
    client.socket.destroy()
    await gone.promise
    await expect.poll(() => gateway.requests).toBe(0)
  })

  test('before the response ends the request at the instance', async () => {
    await using world = await World.create()
    const [begun, gone] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const backend = await world.backend((_request, response) => {
      begun.resolve()
      response.on('close', () => gone.resolve())
    })
    await world.gateway()
    const client = world.connect()
    client.socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    await begun.promise
    client.socket.destroy()
    await gone.promise
    expect(backend.aborted).toEqual(['/'])
  })

  test('during its upload ends that at the instance', async () => {
    await using world = await World.create()
    const [begun, gone] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const backend = await world.backend((request) => {
      request.once('data', () => begun.resolve())
      request.on('error', () => {}).on('close', () => gone.resolve())
    })
    await world.gateway()
    const client = world.connect()
    client.socket.write('POST /upload HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\nhalf')
    await begun.promise
    client.socket.destroy()
    await gone.promise
    expect(backend.aborted).toContain('/upload')
  })
})

test('a slow client slows the instance down, not the gateway’s memory', async () => {
  await using world = await World.create()
  const chunk = Buffer.alloc(65_536)
  let written = 0
  await world.backend((_request, response) => {
    const write = (): void => {
      while (written < 64 * 2 ** 20 && !response.destroyed) {
        written += chunk.length
        if (!response.write(chunk)) return void response.once('drain', write)
      }
      response.end()
    }
    write()
  })
  await world.gateway()
  const client = new RawClient(world.port)
  client.socket.pause()
  client.socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
  // until nothing moves any more
  let before = -1
  await expect
    .poll(
      () => {
        const still = written === before && written > 0
        before = written
        return still
      },
      { interval: 200, timeout: 10_000 },
    )
    .toBe(true)
  expect(written).toBeLessThan(32 * 2 ** 20)
  client.socket.destroy()
  await once(client.socket, 'close')
})
