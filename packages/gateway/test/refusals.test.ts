import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { describe, expect, onTestFinished, test } from 'vitest'
import { gatewayChannelName, type GatewayEvent } from '../src/index.ts'
import { statusOf, World } from './world.ts'

const recordEvents = (): GatewayEvent[] => {
  const events: GatewayEvent[] = []
  const listener = (message: unknown): void => void events.push(message as GatewayEvent)
  subscribe(gatewayChannelName, listener)
  onTestFinished(() => void unsubscribe(gatewayChannelName, listener))
  return events
}

const problemOf = async (
  world: World,
  path = '/',
  body?: string,
): Promise<{ status: number; problem: Record<string, unknown>; text: string; retry: unknown }> => {
  const response = await world.request(path, body === undefined ? {} : { method: 'POST' }, body)
  expect(response.headers['content-type']).toBe('application/problem+json')
  return {
    status: response.status,
    problem: JSON.parse(response.body) as Record<string, unknown>,
    text: JSON.stringify(response),
    retry: response.headers['retry-after'],
  }
}

describe('a request that cannot be forwarded is answered with service and reason', () => {
  test('no route', async () => {
    await using world = await World.create()
    await world.gateway([{ service: 'orders', prefix: '/orders' }])
    for (const path of ['/', '/ordersx', '/order', '//orders'])
      expect(await problemOf(world, path)).toMatchObject({
        status: 404,
        problem: { reason: 'no-route', status: 404, title: 'Not Found', type: 'about:blank' },
      })
  })

  test('no instance', async () => {
    await using world = await World.create()
    await world.gateway()
    expect(await problemOf(world)).toMatchObject({
      status: 503,
      retry: '1',
      problem: { service: 'orders', reason: 'no-instance' },
    })
  })

  test('an instance that does not listen: 502 without its address', async () => {
    await using world = await World.create()
    const { port, server } = await world.server((await import('node:net')).createServer())
    server.close()
    await world.register(port)
    await world.gateway()
    const events = recordEvents()
    const { status, problem, text } = await problemOf(world)
    expect(status).toBe(502)
    expect(problem).toMatchObject({ service: 'orders', reason: 'unreachable' })
    expect(text).not.toContain(String(port))
    await expect.poll(() => events.length).toBe(2)
    expect(events[1]).toMatchObject({ event: 'finished', status: 502, reason: 'unreachable' })
    expect((events[1] as { cause: Error }).cause.message).toContain(String(port))
  })

  test('an instance that closes without an answer', async () => {
    await using world = await World.create()
    const { port } = await world.tcp((socket) => socket.once('data', () => socket.destroy()))
    await world.gateway()
    const { status, problem, text } = await problemOf(world, '/', 'a body')
    expect(status).toBe(502)
    expect(problem).toMatchObject({ service: 'orders', reason: 'connection-lost' })
    expect(text).not.toContain(String(port))
  })

  test('an instance that does not answer in time', async () => {
    await using world = await World.create()
    await world.backend(() => {})
    await world.gateway([{ service: 'orders', retry: false, timeouts: { responseMs: 200 } }])
    expect(await problemOf(world)).toMatchObject({
      status: 504,
      problem: { service: 'orders', reason: 'response-timeout' },
    })
  })

  test('a service that does not answer within callMs', async () => {
    await using world = await World.create()
    await world.backend(() => {})
    await world.gateway([{ service: 'orders', timeouts: { callMs: 100 } }])
    expect(await problemOf(world)).toMatchObject({
      status: 504,
      problem: { reason: 'response-timeout' },
    })
  })

  test('a body over the limit, announced or not', async () => {
    await using world = await World.create()
    const backend = await world.backend()
    await world.gateway([{ service: 'orders', maxBodyBytes: 10 }])
    expect(await problemOf(world, '/', 'x'.repeat(11))).toMatchObject({
      status: 413,
      problem: { service: 'orders', reason: 'body-too-large' },
    })
    const text = await world.raw(
      `POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n6\r\nxxxxxx\r\n6\r\nxxxxxx\r\n0\r\n\r\n`,
    )
    expect(statusOf(text)).toBe(413)
    expect((await world.request('/', { method: 'POST' }, 'x'.repeat(10))).status).toBe(200)
    expect(backend.seen.map(({ body }) => body)).toEqual(['x'.repeat(10)])
  })

  test('too many requests at once', async () => {
    await using world = await World.create()
    const waiting: (() => void)[] = []
    await world.backend((_request, response) => void waiting.push(() => response.end('ok')))
    await world.gateway([{ service: 'orders', maxRequests: 1 }])
    const first = world.request('/')
    await expect.poll(() => waiting.length).toBe(1)
    expect(await problemOf(world)).toMatchObject({
      status: 503,
      retry: '1',
      problem: { service: 'orders', reason: 'too-many-requests' },
    })
    waiting[0]?.()
    expect((await first).status).toBe(200)
    const second = world.request('/')
    await expect.poll(() => waiting.length).toBe(2)
    waiting[1]?.()
    expect((await second).status).toBe(200)
  })
})

test('a request goes to another instance if one cannot be reached or breaks', async () => {
  await using world = await World.create()
  const { port, server } = await world.server((await import('node:net')).createServer())
  server.close()
  await world.register(port)
  await world.tcp((socket) => socket.once('data', () => socket.destroy()))
  await world.backend()
  await world.gateway([{ service: 'orders', balancer: { strategy: 'round-robin' } }])
  for (let i = 0; i < 9; i += 1) expect((await world.request('/')).status).toBe(200)
})

describe('messages on the channel', () => {
  test('tell the start and the end of a request, and let subscribers add headers', async () => {
    await using world = await World.create()
    const backend = await world.backend()
    await world.gateway([{ service: 'orders', prefix: '/o', stripPrefix: true }])
    const events = recordEvents()
    const trace = (message: unknown): void => {
      const event = message as GatewayEvent
      if (event.event === 'started') event.headers.push('traceparent', '00-1-1-01')
    }
    subscribe(gatewayChannelName, trace)
    onTestFinished(() => void unsubscribe(gatewayChannelName, trace))
    await world.request('/o/1?secret=2', { method: 'POST' }, 'hello')
    await expect.poll(() => events.length).toBe(2)
    expect(events).toMatchObject([
      {
        event: 'started',
        kind: 'http',
        route: '/o',
        service: 'orders',
        method: 'POST',
        path: '/o/1',
      },
      {
        event: 'finished',
        status: 200,
        requestBytes: 5,
        responseBytes: 2,
        protocol: '1.1',
        reason: undefined,
        durationMs: expect.any(Number) as number,
      },
    ])
    const [started, finished] = events as unknown as [{ exchange: object }, { exchange: object }]
    expect(started.exchange).toBe(finished.exchange)
    expect(backend.seen[0]?.headers).toMatchObject({
      traceparent: '00-1-1-01',
      'x-forwarded-prefix': '/o',
    })
    expect(backend.seen[0]?.url).toBe('/1?secret=2')
  })

  test('say 499 for a client that left', async () => {
    await using world = await World.create()
    const begun = Promise.withResolvers<void>()
    await world.backend(() => begun.resolve())
    await world.gateway()
    const events = recordEvents()
    const client = world.connect()
    client.socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    await begun.promise
    client.socket.destroy()
    await expect.poll(() => events.at(-1)).toMatchObject({ event: 'finished', status: 499 })
  })
})
