import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { createServer } from 'node:http'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { buildConnector, type Dispatcher, fetch as undiciFetch, FormData, request } from 'undici'
import { describe, expect, test } from 'vitest'
import { requestChannelName, type RequestEvent } from '../src/index.ts'
import { type Echo, echo, failureOf, serve, World } from './world.ts'

const read = async (response: Dispatcher.ResponseData): Promise<Echo> =>
  (await response.body.json()) as Echo

/** Reads some bytes, then resets the connection. */
const resetting = (socket: Socket): void => {
  socket.on('error', () => {})
  socket.once('data', () => socket.resetAndDestroy())
}

/** The diagnostic events of one service, until disposed. */
const watchEvents = (): Disposable & { readonly events: RequestEvent[] } => {
  const events: RequestEvent[] = []
  const listener = (message: unknown): void => void events.push(message as RequestEvent)
  subscribe(requestChannelName, listener)
  return { events, [Symbol.dispose]: () => unsubscribe(requestChannelName, listener) }
}

describe('an instance that refuses connections', () => {
  const bodies = {
    'a GET': { method: 'GET' as const, expected: '' },
    'a POST of a string': { method: 'POST' as const, body: () => 'abcd', expected: 'abcd' },
    'a POST of a stream': {
      method: 'POST' as const,
      body: () => Readable.from(['ab', 'cd']),
      expected: 'abcd',
    },
    'a PUT of a stream': {
      method: 'PUT' as const,
      body: () => Readable.from(['ab', 'cd']),
      expected: 'abcd',
    },
  }
  test.each(Object.entries(bodies))('does not fail %s', async (_name, given) => {
    await using world = await World.create()
    await world.dead('a')
    await world.http('b')
    const dispatcher = world.dispatcher()
    const { method, expected } = given
    const body = 'body' in given ? given.body() : null
    const answer = await read(await request('http://orders.sd/', { dispatcher, method, body }))
    expect(answer).toMatchObject({ id: 'b', method, body: expected })
  })

  test('is not called for a while afterwards', async () => {
    await using world = await World.create()
    await world.dead('a')
    await world.http('b')
    const dispatcher = world.dispatcher()
    using seen = watchEvents()
    for (let i = 0; i < 6; i += 1)
      await (await request('http://orders.sd/', { dispatcher })).body.dump()
    const picks = seen.events
      .filter(({ event }) => event === 'pick')
      .map(({ instance }) => instance)
    expect(picks.filter((id) => id === 'a')).toHaveLength(1)
    expect(seen.events.filter(({ event }) => event === 'retry')).toMatchObject([
      { instance: 'a', attempt: 1, sent: false, service: 'orders', backend: 'undici' },
    ])
  })

  test('fails the request when there is no other: the error names instance and attempts', async () => {
    await using world = await World.create()
    await world.dead('a')
    await world.dead('b')
    const dispatcher = world.dispatcher()
    const error = await failureOf(
      request('http://orders.sd/secret?token=1', { dispatcher, method: 'POST', body: 'x' }),
    )
    expect(error).toMatchObject({ code: 'unavailable', service: 'orders', attempts: 2 })
    expect(error.message).toMatch(
      /orders: POST \/secret, instance [ab] at http:.*, 2 attempts: not reached/,
    )
    expect(error.message).not.toContain('token')
    expect((error.cause as { code?: string }).code).toBe('ECONNREFUSED')
    // all are suspended now: they are tried nevertheless
    expect((await failureOf(request('http://orders.sd/', { dispatcher }))).attempts).toBe(2)
  })

  test('is tried at most `connectAttempts` times', async () => {
    await using world = await World.create()
    for (const id of ['a', 'b', 'c']) await world.dead(id)
    const dispatcher = world.dispatcher({ retry: { connectAttempts: 2 } })
    expect((await failureOf(request('http://orders.sd/', { dispatcher }))).attempts).toBe(2)
  })

  test('is called again once it listens', async () => {
    await using world = await World.create()
    const first = await world.http('a')
    await first.stop()
    const dispatcher = world.dispatcher()
    await failureOf(request('http://orders.sd/', { dispatcher }))
    world.use(await serve(createServer(echo('again')), 'http', first.port))
    const { id } = await read(await request('http://orders.sd/', { dispatcher }))
    expect(id).toBe('again')
  })
})

describe('an instance that resets the connection after it received the request', () => {
  const world = async (): Promise<World> => {
    const made = await World.create()
    await made.tcp('a', resetting)
    await made.http('b')
    return made
  }

  test.each(['GET', 'HEAD', 'OPTIONS', 'DELETE', 'QUERY'])(
    '%s is sent to another instance',
    async (method) => {
      await using made = await world()
      const response = await request('http://orders.sd/', {
        dispatcher: made.dispatcher(),
        method: method as 'GET',
      })
      expect(response.statusCode).toBe(200)
      await response.body.dump()
    },
  )

  test('a PUT is sent again with any kind of body', async () => {
    const form = new FormData()
    form.set('field', 'abcd')
    const bodies: readonly (() => unknown)[] = [
      () => 'abcd',
      () => Buffer.from('abcd'),
      () => new TextEncoder().encode('abcd'),
      () => new Blob(['abcd']),
      () => Readable.from(['ab', 'cd']),
      () => form,
    ]
    for (const body of bodies) {
      await using made = await world()
      const answer = await read(
        await request('http://orders.sd/', {
          dispatcher: made.dispatcher(),
          method: 'PUT',
          body: body() as string,
        }),
      )
      expect(answer.id).toBe('b')
      expect(answer.body).toContain('abcd')
    }
  })

  test('a PUT of fetch is sent again, although fetch makes its body a stream', async () => {
    await using made = await world()
    const response = await undiciFetch('http://orders.sd/', {
      method: 'PUT',
      body: 'abcd',
      dispatcher: made.dispatcher(),
    })
    expect(await response.json()).toMatchObject({ id: 'b', body: 'abcd' })
  })

  test('a POST is not sent again, unless the caller allows it', async () => {
    await using made = await world()
    const error = await failureOf(
      request('http://orders.sd/', { dispatcher: made.dispatcher(), method: 'POST', body: 'x' }),
    )
    expect(error).toMatchObject({ code: 'unavailable', instance: 'a', attempts: 1 })
    expect(error.message).toContain('no response')
    await using again = await world()
    const answer = await read(
      await again.dispatcher().request({
        origin: 'http://orders.sd',
        path: '/',
        method: 'POST',
        body: 'x',
        idempotent: true,
      }),
    )
    expect(answer).toMatchObject({ id: 'b', body: 'x' })
  })

  test('a streamed PUT beyond the kept length is not sent again', async () => {
    await using made = await world()
    const body = Readable.from(Array.from({ length: 40 }, () => 'x'.repeat(1_000)))
    const error = await failureOf(
      request('http://orders.sd/', {
        dispatcher: made.dispatcher({ replayBytes: 1_000 }),
        method: 'PUT',
        body,
      }),
    )
    expect(error).toMatchObject({ code: 'unavailable', attempts: 1 })
  })

  test('no request is sent again with `retry: false`, or beyond `attempts`', async () => {
    await using made = await world()
    const error = await failureOf(
      request('http://orders.sd/', { dispatcher: made.dispatcher({ retry: false }) }),
    )
    expect(error.attempts).toBe(1)
    await using bad = await World.create()
    for (const id of ['a', 'b', 'c', 'd']) await bad.tcp(id, resetting)
    const dispatcher = bad.dispatcher({ retry: { attempts: 3 } })
    const last = await failureOf(request('http://orders.sd/', { dispatcher }))
    expect(last.attempts).toBe(3)
  })

  test('no request is sent again once the budget is spent', async () => {
    await using made = await World.create()
    for (const id of ['a', 'b', 'c']) await made.tcp(id, resetting)
    const dispatcher = made.dispatcher({
      retry: { budget: { ratio: 0, minPerSecond: 0.1 } },
    })
    const attempts = []
    for (let i = 0; i < 4; i += 1)
      attempts.push((await failureOf(request('http://orders.sd/', { dispatcher }))).attempts)
    expect(attempts).toEqual([2, 1, 1, 1])
  })

  test('the only instance is tried again, as it may just have closed an idle connection', async () => {
    await using made = await World.create()
    let seen = 0
    await made.tcp('a', (socket) => {
      seen += 1
      if (seen === 1) resetting(socket)
      else
        socket.once('data', () =>
          socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok'),
        )
    })
    const response = await request('http://orders.sd/', { dispatcher: made.dispatcher() })
    expect(await response.body.text()).toBe('ok')
    expect(seen).toBe(2)
  })
})

describe('a response', () => {
  test('that breaks off is not requested again', async () => {
    await using world = await World.create()
    const broken = await world.http('a', (_request, response) => {
      response.writeHead(200, { 'content-length': 100 })
      response.write('x'.repeat(10), () => response.socket?.destroy())
    })
    const whole = await world.http('b')
    const dispatcher = world.dispatcher()
    const bodies = []
    for (let i = 0; i < 2; i += 1) {
      const response = await request('http://orders.sd/', { dispatcher })
      bodies.push(await response.body.text().catch((error: unknown) => error))
    }
    const error = bodies.find((body) => body instanceof Error) as Error
    expect(error).toMatchObject({ code: 'unavailable', instance: 'a', attempts: 1 })
    expect(error.message).toContain('the response broke off')
    expect([broken.requests, whole.requests]).toEqual([1, 1])
    expect(bodies[0]).toBe(error)
  })

  test('with a listed status is requested from another instance, and its connection is kept', async () => {
    await using world = await World.create()
    const busy = await world.http('a', (incoming, response) => {
      incoming.resume()
      response.writeHead(503).end('busy')
    })
    await world.http('b')
    const dispatcher = world.dispatcher({
      retry: { statuses: [503] },
    })
    for (let i = 0; i < 6; i += 1)
      expect((await read(await request('http://orders.sd/', { dispatcher }))).id).toBe('b')
    expect(busy.requests).toBeGreaterThan(1)
    expect(busy.connections).toBe(1)
    const post = await request('http://orders.sd/', { dispatcher, method: 'POST', body: 'x' })
    await post.body.dump()
  })

  test('with a listed status is delivered when there is no other instance', async () => {
    await using world = await World.create()
    await world.http('a', (_request, response) => response.writeHead(503).end('busy'))
    const dispatcher = world.dispatcher({ retry: { statuses: [503] } })
    const response = await request('http://orders.sd/', { dispatcher })
    expect([response.statusCode, await response.body.text()]).toEqual([503, 'busy'])
  })

  test('with another status is delivered', async () => {
    await using world = await World.create()
    await world.http('a', (_request, response) => response.writeHead(500).end('why'))
    await world.http('b', (_request, response) => response.writeHead(500).end('why'))
    const response = await request('http://orders.sd/', { dispatcher: world.dispatcher() })
    expect([response.statusCode, await response.body.text()]).toEqual([500, 'why'])
  })
})

describe('time', () => {
  test('a try that takes too long is aborted, and another instance answers', async () => {
    await using world = await World.create()
    const hanging = await world.http('a', () => {})
    await world.http('b')
    const dispatcher = world.dispatcher({ timeouts: { tryMs: 50 } })
    using seen = watchEvents()
    expect((await read(await request('http://orders.sd/', { dispatcher }))).id).toBe('b')
    expect((await read(await request('http://orders.sd/', { dispatcher }))).id).toBe('b')
    expect(hanging.requests).toBeGreaterThan(0)
    const retry = seen.events.find(({ event }) => event === 'retry')
    expect(retry).toMatchObject({ instance: 'a', sent: true, cause: { code: 'timeout' } })
    const error = await failureOf(
      (async () => {
        for (let i = 0; i < 2; i += 1)
          await (
            await request('http://orders.sd/', { dispatcher, method: 'POST', body: 'x' })
          ).body.dump()
      })(),
    )
    expect(error).toMatchObject({ code: 'timeout', instance: 'a', attempts: 1 })
  })

  test('the whole call ends at its own limit, also during a try', async () => {
    await using world = await World.create()
    for (const id of ['a', 'b', 'c']) await world.http(id, () => {})
    const dispatcher = world.dispatcher({ timeouts: { tryMs: 60, callMs: 100 } })
    const error = await failureOf(request('http://orders.sd/', { dispatcher }))
    expect(error).toMatchObject({ code: 'timeout', attempts: 2 })
    expect(error.message).toContain('100 ms (timeouts.callMs)')
    await expect.poll(() => dispatcher.stats.requests).toBe(0)
  })

  test('a slow body is not limited', async () => {
    await using world = await World.create()
    await world.http('a', (_request, response) => {
      response.write('first ')
      setTimeout(() => response.end('last'), 1_500)
    })
    const dispatcher = world.dispatcher({ timeouts: { tryMs: 1_000, callMs: 1_200 } })
    const response = await request('http://orders.sd/', { dispatcher })
    expect(await response.body.text()).toBe('first last')
  })

  test('a connection that is not established in time is abandoned, and the request goes to another instance', async () => {
    await using world = await World.create()
    // a connector that never calls back, like a firewall that drops all packets
    await world.http('a')
    await world.http('b')
    let connections = 0
    const real = buildConnector({})
    const dispatcher = world.dispatcher({
      timeouts: { tryMs: 50 },
      pool: {
        connect: (options, callback) => {
          connections += 1
          if (connections > 1) real(options, callback)
        },
      },
    })
    const response = await request('http://orders.sd/', { dispatcher, method: 'POST', body: 'x' })
    expect((await read(response)).body).toBe('x')
    expect(connections).toBe(2)
  })
})

test('the progress of requests is published on the channel', async () => {
  await using world = await World.create()
  await world.http('a')
  const dispatcher = world.dispatcher()
  using seen = watchEvents()
  await (await request('http://orders.sd/p?q=1', { dispatcher })).body.dump()
  await failureOf(request('http://none.sd/', { dispatcher }))
  const { events } = seen
  // without the objects, which are large when a comparison fails
  const told = events.map((event) => ({ ...event, call: undefined, headers: undefined }))
  expect(told).toMatchObject([
    { event: 'start', origin: 'http://orders.sd', attempt: 0 },
    { event: 'pick', service: 'orders', instance: 'a', method: 'GET', path: '/p?q=1', attempt: 1 },
    { event: 'response', status: 200, latencyMs: expect.any(Number) as number },
    { event: 'end', instance: 'a' },
    { event: 'start', origin: 'http://none.sd' },
    { event: 'error', service: 'none', attempt: 0, cause: { code: 'unavailable' } },
  ])
  const calls = events.map(({ call }) => call)
  expect(new Set(calls.slice(0, 4)).size).toBe(1)
  expect(new Set(calls).size).toBe(2)
})

test.each([
  ['an object', { 'X-Trace': 'old', accept: 'text/plain' }],
  ['a list', ['X-Trace', 'old', 'accept', 'text/plain']],
  [
    'pairs',
    new Map([
      ['X-Trace', 'old'],
      ['accept', 'text/plain'],
    ]).entries(),
  ],
  ['nothing', undefined],
])('a subscriber reads and sets a header, given in %s, for every try', async (_form, headers) => {
  await using world = await World.create()
  await world.dead('a')
  await world.http('b')
  const dispatcher = world.dispatcher()
  const found: unknown[] = []
  const set = (message: unknown): void => {
    const { headers: present } = message as RequestEvent
    if (present === undefined) return
    found.push(present.get('x-trace'))
    present.set('x-trace', 'new')
    present.set('x-more', '1')
  }
  subscribe(requestChannelName, set)
  try {
    const options = headers === undefined ? {} : { headers }
    const answer = await read(await request('http://orders.sd/', { dispatcher, ...options }))
    expect(answer.headers).toMatchObject({ host: 'orders.sd', 'x-trace': 'new', 'x-more': '1' })
    expect(answer.headers['accept']).toBe(headers === undefined ? undefined : 'text/plain')
    expect(found).toEqual([headers === undefined ? undefined : 'old'])
  } finally {
    unsubscribe(requestChannelName, set)
  }
})
