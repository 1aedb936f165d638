import { describe, expect, test } from 'vitest'
import { type Backend, statusOf, World } from './world.ts'

const inner = 'GET /smuggled HTTP/1.1\r\nhost: evil\r\n\r\n'
const close = 'connection: close\r\n'

/** Sends raw bytes through a gateway, and returns the answer and what the backend saw. */
const send = async (text: string): Promise<{ text: string; backend: Backend }> => {
  await using world = await World.create()
  const backend = await world.backend()
  await world.gateway()
  const answer = await world.raw(text)
  // the backend's connection is kept: what is left of the request would be its next one
  const probe = await world.request('/probe')
  expect(probe.status).toBe(200)
  expect(backend.seen.map(({ url }) => url)).not.toContain('/smuggled')
  return { text: answer, backend }
}

describe('a request that two parsers read differently is refused', () => {
  test.each([
    [
      'Content-Length and Transfer-Encoding',
      `POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nG`,
    ],
    [
      'Transfer-Encoding and Content-Length',
      `POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ncontent-length: 6\r\n\r\n0\r\n\r\nG`,
    ],
    [
      'an unknown Transfer-Encoding',
      'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n',
    ],
    [
      'chunked that is not the last coding',
      'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n',
    ],
    [
      'Transfer-Encoding with a vertical tab',
      'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: \x0bchunked\r\n\r\n0\r\n\r\n',
    ],
    [
      'two lengths',
      'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab',
    ],
    ['a list of lengths', 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1, 1\r\n\r\na'],
    ['a signed length', 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: +1\r\n\r\na'],
    ['a negative length', 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\na'],
    ['a hexadecimal length', 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0x1\r\n\r\na'],
    [
      'an overflowing length',
      `POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 18446744073709551617\r\n\r\na`,
    ],
    [
      'an invalid chunk size',
      'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n',
    ],
    [
      'an overflowing chunk size',
      'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n10000000000000001\r\na\r\n0\r\n\r\n',
    ],
    [
      'a chunk without its line end',
      'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n',
    ],
    [
      'a chunk extension with a line feed',
      'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1;a\nb\r\na\r\n0\r\n\r\n',
    ],
    ['a space before the colon', 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length : 5\r\n\r\nhello'],
    [
      'a folded header',
      `GET / HTTP/1.1\r\nhost: a\r\nx: 1\r\n transfer-encoding: chunked\r\n${close}\r\n`,
    ],
    [
      'a bare carriage return in a header',
      `GET / HTTP/1.1\r\nhost: a\r\nx: 1\rtransfer-encoding: chunked\r\n\r\n`,
    ],
    ['a NUL in a header', `GET / HTTP/1.1\r\nhost: a\r\nx: 1\x002\r\n\r\n`],
    ['a header without a name', `GET / HTTP/1.1\r\nhost: a\r\n: 1\r\n\r\n`],
    ['a space in the target', `GET /a b HTTP/1.1\r\nhost: a\r\n\r\n`],
    ['HTTP/1.1 without Host', `GET / HTTP/1.1\r\n${close}\r\n`],
    ['two Hosts', `GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n${close}\r\n`],
    ['a Host with a path', `GET / HTTP/1.1\r\nhost: a/b\r\n${close}\r\n`],
    ['a Host with user information', `GET / HTTP/1.1\r\nhost: a@b\r\n${close}\r\n`],
    ['a list of Hosts', `GET / HTTP/1.1\r\nhost: a, b\r\n${close}\r\n`],
    ['an absolute target', `GET http://evil.example/204 HTTP/1.1\r\nhost: a\r\n${close}\r\n`],
    ['an asterisk as target', `OPTIONS * HTTP/1.1\r\nhost: a\r\n${close}\r\n`],
    ['a fragment', `GET /a#b HTTP/1.1\r\nhost: a\r\n${close}\r\n`],
    ['an unknown version', `GET / HTTP/3.7\r\nhost: a\r\n${close}\r\n`],
  ])('%s', async (_, text) => {
    const { text: answer, backend } = await send(text)
    expect(statusOf(answer)).toBe(400)
    expect(backend.seen.filter(({ url }) => url !== '/probe')).toEqual([])
  })

  test.each([
    '/a/../b',
    '/..',
    '/a/./b',
    '/a/%2e%2e/b',
    '/a/.%2E/b',
    '/a/..%2fb',
    '/a%2f..%2fb',
    '/a/..\\b',
    '/a%5c..%5cb',
    '/%2e',
  ])('dot segments: %s', async (path) => {
    const { text, backend } = await send(`GET ${path} HTTP/1.1\r\nhost: a\r\n${close}\r\n`)
    expect(statusOf(text)).toBe(400)
    expect(backend.seen.filter(({ url }) => url !== '/probe')).toEqual([])
  })

  test('a head over 16 KiB', async () => {
    const { text } = await send(`GET / HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`)
    expect(statusOf(text)).toBe(431)
  })

  test('CONNECT and TRACE', async () => {
    expect(statusOf((await send('CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n')).text)).toBe(405)
    expect(statusOf((await send(`TRACE / HTTP/1.1\r\nhost: a\r\n${close}\r\n`)).text)).toBe(405)
  })
})

describe('a body is framed anew', () => {
  const framed = ['GET', 'DELETE', 'POST', 'PUT', 'OPTIONS'].flatMap((method) => [
    [
      method,
      'chunked',
      `${method} / HTTP/1.1\r\nhost: a\r\n${close}transfer-encoding: chunked\r\n\r\n${inner.length.toString(16)}\r\n${inner}\r\n0\r\n\r\n`,
    ],
    [
      method,
      'with a length',
      `${method} / HTTP/1.1\r\nhost: a\r\n${close}content-length: ${inner.length}\r\n\r\n${inner}`,
    ],
    [
      method,
      'with a length that Connection lists',
      `${method} / HTTP/1.1\r\nhost: a\r\nconnection: close, content-length\r\ncontent-length: ${inner.length}\r\n\r\n${inner}`,
    ],
    [
      method,
      'chunked, and Connection lists that',
      `${method} / HTTP/1.1\r\nhost: a\r\nconnection: close, transfer-encoding\r\ntransfer-encoding: chunked\r\n\r\n${inner.length.toString(16)}\r\n${inner}\r\n0\r\n\r\n`,
    ],
  ]) as [string, string, string][]

  test.each(framed)('%s %s', async (method, _, text) => {
    const { text: answer, backend } = await send(text)
    expect(statusOf(answer)).toBe(200)
    const [request] = backend.seen
    expect(request).toMatchObject({ method, url: '/', body: inner })
  })

  test('a second request on the connection is a request of its own', async () => {
    const { text, backend } = await send(
      `POST /first HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhiGET /second HTTP/1.1\r\nhost: a\r\n${close}\r\n`,
    )
    expect(text.match(/HTTP\/1.1 200/g)).toHaveLength(2)
    // they may reach the instance in any order, on two connections
    expect(new Set(backend.seen.map(({ url, body }) => `${url} ${body}`))).toEqual(
      new Set(['/first hi', '/second ', '/probe ']),
    )
  })
})

describe('a response of an instance that two parsers read differently', () => {
  const through = async (response: string): Promise<string> => {
    await using world = await World.create()
    await world.tcp((socket) => socket.on('data', () => socket.end(response)))
    await world.gateway([{ service: 'orders', retry: false }])
    return await world.raw(`GET / HTTP/1.1\r\nhost: a\r\n${close}\r\n`)
  }

  test('with a length beside chunks has only one framing afterwards', async () => {
    const text = await through(
      'HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
    )
    expect([200, 502]).toContain(statusOf(text))
    expect(text.toLowerCase().includes('content-length: 3')).toBe(false)
  })
  test.each([
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab'],
    ['no HTTP', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['a folded header', 'HTTP/1.1 200 OK\r\nx: 1\r\n y\r\ncontent-length: 0\r\n\r\n'],
  ])('%s: 502', async (_, response) => {
    const text = await through(response)
    expect(statusOf(text)).toBe(502)
    expect(text).toMatch(/"reason":"(bad-response|connection-lost)"/)
  })
})
