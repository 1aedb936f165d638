import net from 'node:net'
import { once } from 'node:events'
import { createDraw } from '@sd/contract-tests/world'
import { expect, test } from 'vitest'
import { World } from './world.ts'

const seed = 20_261_121

const parts = [
  ...[
    'GET',
    'POST',
    'PRI',
    'P',
    '/',
    '/a',
    '//',
    '/..',
    'http://b/',
    '*',
    ' ',
    '  ',
    '\t',
    '\r',
    '\n',
    '\r\n',
  ],
  ...[
    '\r\n\r\n',
    'HTTP/1.1',
    'HTTP/1.0',
    'HTTP/2.0',
    'Host: a',
    'host:',
    ': ',
    ':',
    'Content-Length: 5',
  ],
  ...['Content-Length: 99999999999999999999', 'Transfer-Encoding: chunked', 'Connection: close'],
  ...['Connection: content-length', 'Connection: upgrade', 'Upgrade: websocket', 'Upgrade: h2c'],
  ...[
    'Expect: 100-continue',
    'Expect: x',
    '5\r\nhello\r\n',
    '0\r\n\r\n',
    'ffffffffffffffff\r\n',
    '\0',
    '\xff',
  ],
  ...['x'.repeat(300), 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '\x16\x03\x01', ','],
]
const whole = [
  'GET / HTTP/1.1\r\nhost: a\r\n\r\n',
  'POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: 11\r\n\r\nhello world',
  'PUT /a HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nx: y\r\n\r\n',
  'GET /s HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n\x81\x85\x01\x02\x03\x04abcde',
]

/** A malformed request: random parts, or a good one with bytes changed or cut at any place. */
const malformed = (random: (limit: number) => number): string => {
  const pick = (list: readonly string[]): string => list[random(list.length)] as string
  const base = pick(whole)
  switch (random(4)) {
    case 0:
      return Array.from({ length: 1 + random(12) }, () => pick(parts)).join('')
    case 1:
      return base.slice(0, random(base.length + 1))
    case 2: {
      const at = random(base.length)
      return base.slice(0, at) + String.fromCharCode(random(256)) + base.slice(at + 1)
    }
    default: {
      const at = random(base.length)
      return base.slice(0, at) + pick(parts) + base.slice(at)
    }
  }
}

/** Sends it and ends or breaks the connection, or waits for the answer. */
const send = async (port: number, text: string, how: number): Promise<void> => {
  const socket = net.connect(port, '127.0.0.1')
  socket.on('error', () => {}).resume()
  // unlike `once`, also after an error: the gateway may break a connection
  const closed = new Promise((resolve) => socket.once('close', resolve))
  await once(socket, 'connect').catch(() => {})
  socket.write(text, 'latin1')
  if (how === 0) socket.destroy()
  else if (how === 1) socket.resetAndDestroy()
  else socket.end()
  await closed
}

test(
  `10,000 malformed requests and bodies cut anywhere leave nothing behind (seed ${seed})`,
  { timeout: 120_000 },
  async () => {
    await using world = await World.create()
    const backend = await world.backend((request, response) => {
      request.on('error', () => {})
      request.on('end', () => response.end('ok'))
    })
    backend.server.on('upgrade', (_request, socket: net.Socket) => socket.end())
    const gateway = await world.gateway([{ service: 'orders' }], {
      timeouts: { headersMs: 500, requestMs: 1_000, keepAliveMs: 1_000 },
    })
    const { below: random } = createDraw(seed)
    let left = 10_000
    const sender = async (): Promise<void> => {
      while (left > 0) {
        left -= 1
        await send(world.port, malformed(random), random(4))
      }
    }
    await Promise.all(Array.from({ length: 32 }, sender))
    await expect.poll(() => gateway.requests, { timeout: 10_000 }).toBe(0)
    // it still works, and a stop finds no connection of a client that is left
    expect((await world.request('/')).body).toBe('ok')
    const began = performance.now()
    await gateway.stop({ drainMs: 30_000 })
    expect(performance.now() - began).toBeLessThan(10_000)
  },
)
