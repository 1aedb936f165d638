import { createServer, type RequestListener } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { Readable } from 'node:stream'
import { buildConnector, type Dispatcher, EventSource, request, upgrade, WebSocket } from 'undici'
import { WebSocketServer } from 'ws'
import { describe, expect, test } from 'vitest'
import { failureOf, serve, World } from './world.ts'

describe('the exchange with an instance is not changed', () => {
  test('informational responses and trailers', async () => {
    await using world = await World.create()
    await world.http('a', (_request, response) => {
      response.writeEarlyHints({ link: '</a>; rel=preload' })
      response.writeHead(200, { trailer: 'x-sum' })
      response.write('body')
      response.addTrailers({ 'x-sum': '42' })
      response.end()
    })
    const seen: unknown[] = []
    const response = await request('http://orders.sd/', {
      dispatcher: world.dispatcher(),
      onInfo: ({ statusCode, headers }) => seen.push(statusCode, headers['link']),
    })
    expect(await response.body.text()).toBe('body')
    expect(seen).toEqual([103, '</a>; rel=preload'])
    expect(response.trailers).toEqual({ 'x-sum': '42' })
  })

  test('raw headers', async () => {
    await using world = await World.create()
    await world.http('a', (_request, response) => {
      response.setHeader('X-Case', 'Kept')
      response.end()
    })
    const response = await request('http://orders.sd/', {
      dispatcher: world.dispatcher(),
      responseHeaders: 'raw',
    })
    expect(response.headers).toContain('X-Case')
    await response.body.dump()
  })

  test('a 304 with a content-length has no body, and the next request is answered', async () => {
    await using world = await World.create()
    await world.http('a', (_request, response) => {
      response.writeHead(304, { etag: '"x"', 'content-length': 77 }).end()
    })
    const dispatcher = world.dispatcher()
    for (let i = 0; i < 3; i += 1) {
      const response = await request('http://orders.sd/', { dispatcher })
      expect([response.statusCode, await response.body.text()]).toEqual([304, ''])
    }
  })

  test('backpressure: a reader that stops stops the server', { timeout: 30_000 }, async () => {
    await using world = await World.create()
    const chunk = Buffer.alloc(65_536, 'x')
    let written = 0
    await world.http('a', (_request, response) => {
      const more = (): void => {
        while (written < 60e6) {
          written += chunk.length
          if (!response.write(chunk)) {
            response.once('drain', more)
            return
          }
        }
        response.end()
      }
      more()
    })
    const response = await request('http://orders.sd/', { dispatcher: world.dispatcher() })
    let last = -1
    // until the buffers between them are full
    await expect
      .poll(
        () => {
          const still = written === last
          last = written
          return still
        },
        { interval: 200, timeout: 10_000 },
      )
      .toBe(true)
    expect(written).toBeLessThan(30e6)
    let got = 0
    for await (const part of response.body) got += (part as Buffer).length
    expect(got).toBe(written)
  })

  // the body of a PUT is kept for another try, that of a POST is not: both must stop
  test.each(['PUT', 'POST'] as const)(
    'the upload of a %s stops while the server does not read',
    { timeout: 30_000 },
    async (method) => {
      await using world = await World.create()
      let taken = 0
      const gate = Promise.withResolvers<void>()
      const read: RequestListener = (incoming, response) => {
        incoming.on('data', (part: Buffer) => (taken += part.length))
        incoming.on('end', () => response.end(String(taken)))
      }
      await world.http('a', (...given) => void gate.promise.then(() => read(...given)))
      let made = 0
      const body = new Readable({
        read() {
          if (made >= 60e6) this.push(null)
          else {
            made += 65_536
            this.push(Buffer.alloc(65_536))
          }
        },
      })
      const pending = request('http://orders.sd/', { dispatcher: world.dispatcher(), method, body })
      await expect.poll(() => made).toBeGreaterThan(0)
      await sleep(200)
      expect(made).toBeLessThan(30e6)
      gate.resolve()
      expect(Number(await (await pending).body.text())).toBe(made)
    },
  )
})

describe('a request that the caller ends:', () => {
  test('an abort while the connection is opened settles at once, with the reason', async () => {
    await using world = await World.create()
    await world.http('a')
    const dispatcher = world.dispatcher({ pool: { connect: () => {} }, timeouts: { connectMs: 0 } })
    const controller = new AbortController()
    const pending = failureOf(
      request('http://orders.sd/', { dispatcher, signal: controller.signal }),
    )
    await expect.poll(() => dispatcher.stats.pools).toBe(1)
    const reason = new Error('enough')
    controller.abort(reason)
    expect(await pending).toBe(reason)
    expect(dispatcher.stats.requests).toBe(0)
  })

  test('a connection that was opened for an aborted request serves the next one', async () => {
    await using world = await World.create()
    const server = await world.http('a')
    const gate = Promise.withResolvers<void>()
    const real = buildConnector({})
    const dispatcher = world.dispatcher({
      pool: {
        connections: 1,
        connect: (options, callback) => void gate.promise.then(() => real(options, callback)),
      },
    })
    const controller = new AbortController()
    const pending = failureOf(
      request('http://orders.sd/', { dispatcher, signal: controller.signal }),
    )
    await expect.poll(() => dispatcher.stats.pools).toBe(1)
    controller.abort()
    await pending
    const next = request('http://orders.sd/', { dispatcher })
    gate.resolve()
    await (await next).body.dump()
    expect(server.requests).toBe(1)
    expect(server.connections).toBe(1)
  })

  test('an abort while waiting for the registry, and before the start', async () => {
    await using world = await World.create()
    const dispatcher = world.dispatcher()
    const reason = new Error('enough')
    const signal = AbortSignal.abort(reason)
    expect(await failureOf(request('http://orders.sd/', { dispatcher, signal }))).toBe(reason)
    const controller = new AbortController()
    const pending = failureOf(
      request('http://orders.sd/', { dispatcher, signal: controller.signal }),
    )
    controller.abort(reason)
    expect(await pending).toBe(reason)
    expect(dispatcher.stats.requests).toBe(0)
  })

  test('an abort in the middle of a body reaches the server', async () => {
    await using world = await World.create()
    let closed = 0
    await world.http('a', (_request, response) => {
      response.on('close', () => (closed += 1))
      response.write('x')
    })
    const controller = new AbortController()
    const response = await request('http://orders.sd/', {
      dispatcher: world.dispatcher(),
      signal: controller.signal,
    })
    controller.abort(new Error('enough'))
    await expect(response.body.text()).rejects.toThrow('enough')
    await expect.poll(() => closed).toBe(1)
  })

  test.each(['POST', 'PUT'] as const)(
    'a %s whose body breaks fails with the body’s error, on one instance',
    async (method) => {
      await using world = await World.create()
      const [a, b] = [await world.http('a'), await world.http('b')]
      const body = new Readable({ read() {} })
      body.push('abc')
      setTimeout(() => body.destroy(new Error('the source broke')), 20)
      const error = await failureOf(
        request('http://orders.sd/', { dispatcher: world.dispatcher(), method, body }),
      )
      expect(error.message).toBe('the source broke')
      expect(a.connections + b.connections).toBe(1)
    },
  )

  test.each(['POST', 'PUT'] as const)(
    'a %s whose body breaks before anything is sent fails with the body’s error',
    async (method) => {
      await using world = await World.create()
      const server = await world.http('a')
      const failing = (): Readable => {
        const body = new Readable({ read() {} })
        setTimeout(() => body.destroy(new Error('the source broke')), 20)
        return body
      }
      // while the connection is opened
      const gate = Promise.withResolvers<void>()
      const real = buildConnector({})
      const connecting = world.dispatcher({
        pool: {
          connect: (options, callback) => void gate.promise.then(() => real(options, callback)),
        },
      })
      const first = failureOf(
        request('http://orders.sd/', { dispatcher: connecting, method, body: failing() }),
      )
      setTimeout(() => gate.resolve(), 60)
      expect((await first).message).toBe('the source broke')
      // while the first answer of the registry is delayed
      const discovery = Object.create(world.registry) as typeof world.registry
      discovery.watch = (service) => {
        const watcher = world.registry.watch(service)
        return Object.assign(Object.create(watcher) as typeof watcher, {
          close: () => watcher.close(),
          async *[Symbol.asyncIterator]() {
            await sleep(60)
            yield* watcher
          },
        })
      }
      const waiting = world.dispatcher({ discovery })
      const second = await failureOf(
        request('http://orders.sd/', { dispatcher: waiting, method, body: failing() }),
      )
      expect(second.message).toBe('the source broke')
      expect(server.requests).toBe(0)
    },
  )

  test('a later failure of the instance is not reported as one of a completely sent stream', async () => {
    await using world = await World.create()
    await world.http('a', (incoming) => {
      incoming.resume().on('end', () => incoming.socket.resetAndDestroy())
    })
    const error = await failureOf(
      request('http://orders.sd/', {
        dispatcher: world.dispatcher(),
        method: 'POST',
        body: Readable.from(['ab', 'cd']),
      }),
    )
    expect(error).toMatchObject({ code: 'unavailable', instance: 'a', attempts: 1 })
    expect(error.message).toContain('not sent again, as a POST may not be safe to repeat')
  })

  test('a body that is destroyed before its end fails the request', async () => {
    await using world = await World.create()
    await world.http('a')
    const body = new Readable({ read() {} })
    body.push('abc')
    setTimeout(() => body.destroy(), 20)
    const error = await failureOf(
      request('http://orders.sd/', { dispatcher: world.dispatcher(), method: 'POST', body }),
    )
    expect(error).toMatchObject({ code: 'invalid-argument', attempts: 1 })
  })

  test('an error that a handler throws aborts the request', async () => {
    await using world = await World.create()
    await world.http('a')
    const dispatcher = world.dispatcher()
    const ended = Promise.withResolvers<Error>()
    const handler: Dispatcher.DispatchHandler = {
      onRequestStart: () => {},
      onResponseStart: () => {
        throw new Error('of the handler')
      },
      onResponseError: (_controller, error) => ended.resolve(error),
    }
    dispatcher.dispatch({ origin: 'http://orders.sd', path: '/', method: 'GET' }, handler)
    expect((await ended.promise).message).toBe('of the handler')
    expect(dispatcher.stats.requests).toBe(0)
  })
})

describe('upgraded connections', () => {
  const echoing = async (world: World): Promise<void> => {
    const server = createServer()
    server.on('upgrade', (_request, socket) => {
      socket.on('error', () => {})
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n',
      )
      socket.pipe(socket)
    })
    const served = world.use(await serve(server))
    await world.register('a', served.endpoint)
  }

  test('outlive the instance’s registration and a graceful close, and end with destroy', async () => {
    await using world = await World.create()
    await echoing(world)
    const dispatcher = world.dispatcher()
    const { socket } = await upgrade('http://orders.sd/', { dispatcher, protocol: 'echo' })
    expect(dispatcher.stats).toMatchObject({ upgraded: 1, requests: 0 })
    await world.deregister('a')
    await expect.poll(() => dispatcher.stats.pools).toBe(0)
    const answer = new Promise<string>((resolve) =>
      socket.once('data', (data: Buffer) => resolve(data.toString())),
    )
    socket.write('hi')
    expect(await answer).toBe('hi')
    const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    socket.on('error', () => {})
    await dispatcher.destroy()
    await ended
    expect(dispatcher.stats.upgraded).toBe(0)
  })

  test('WebSocket and EventSource of undici', async () => {
    await using world = await World.create()
    const server = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write('data: hello\n\n')
    })
    new WebSocketServer({ server }).on('connection', (socket, incoming) =>
      socket.send(`hello ${incoming.headers.host}`),
    )
    const served = world.use(await serve(server))
    await world.register('a', served.endpoint)
    const dispatcher = world.dispatcher()
    const socket = new WebSocket('ws://orders.sd/', { dispatcher })
    const message = await new Promise((resolve, reject) => {
      socket.addEventListener('message', ({ data }) => resolve(data))
      socket.addEventListener('error', reject)
    })
    expect(message).toBe('hello orders.sd')
    socket.close()
    const events = new EventSource('http://orders.sd/', { dispatcher })
    const event = await new Promise((resolve, reject) => {
      events.addEventListener('message', ({ data }) => resolve(data))
      events.addEventListener('error', reject)
    })
    expect(event).toBe('hello')
    events.close()
  })
})
