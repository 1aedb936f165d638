import { describe, expect, test } from 'vitest'
import { memory, MemoryStore } from '@sd/memory'
import { Registry } from '@sd/core'
import { Gateway, type RouteOptions } from '../src/index.ts'
import { World } from './world.ts'

describe('routes', () => {
  test('are chosen by host, then by the longest prefix', async () => {
    await using world = await World.create()
    for (const name of ['a', 'ab', 'root', 'host', 'host-a'])
      await world.backend((_request, response) => response.end(name), name)
    await world.gateway([
      { service: 'root' },
      { service: 'a', prefix: '/a/' },
      { service: 'ab', prefix: '/a/b' },
      { service: 'host', host: 'API.example.com' },
      { service: 'host-a', host: 'api.example.com', prefix: '/a' },
    ])
    const at = async (path: string, host = 'x'): Promise<string> =>
      (await world.request(path, { headers: { host } })).body
    expect(await at('/')).toBe('root')
    expect(await at('/ab')).toBe('root')
    expect(await at('/a')).toBe('a')
    expect(await at('/a?b=/a/b')).toBe('a')
    expect(await at('/a/x')).toBe('a')
    expect(await at('/a/b')).toBe('ab')
    expect(await at('/a/b/c')).toBe('ab')
    expect(await at('/a/b', 'api.example.com:8080')).toBe('host-a')
    expect(await at('/x', 'API.EXAMPLE.COM')).toBe('host')
  })

  test('keep or strip the prefix', async () => {
    await using world = await World.create()
    const backend = await world.backend()
    await world.gateway([
      { service: 'orders', prefix: '/keep' },
      { service: 'orders', prefix: '/strip', stripPrefix: true },
    ])
    for (const path of ['/keep/1?a', '/strip/1?a', '/strip', '/strip?a=b', '/strip/'])
      await world.request(path)
    expect(backend.seen.map(({ url }) => url)).toEqual(['/keep/1?a', '/1?a', '/', '/?a=b', '/'])
  })

  test('lead to services whose names are not host names', async () => {
    await using world = await World.create()
    await world.backend((_request, response) => response.end('billing'), 'Billing EU')
    await world.gateway([{ service: 'Billing EU' }])
    expect((await world.request('/')).body).toBe('billing')
  })

  test('are replaced without a failed request; one that stays keeps its connections', async () => {
    await using world = await World.create()
    let [connections, release] = [0, (): void => {}]
    const kept = await world.backend((_request, response) => response.end('kept'), 'kept')
    kept.server.on('connection', () => (connections += 1))
    await world.backend((_request, response) => {
      release = () => response.end('old')
    }, 'old')
    await world.backend((_request, response) => response.end('new'), 'new')
    const gateway = await world.gateway([
      { service: 'kept', prefix: '/kept' },
      { service: 'old', prefix: '/x' },
    ])
    await world.request('/kept')
    const old = world.request('/x')
    const first = release
    await expect.poll(() => release === first).toBe(false)
    gateway.reload([
      { service: 'new', prefix: '/x' },
      { service: 'kept', prefix: '/kept' },
    ])
    expect((await world.request('/x')).body).toBe('new')
    await world.request('/kept')
    expect(connections).toBe(1)
    release()
    expect((await old).body).toBe('old')
    expect(() => gateway.reload([{ service: '' }])).toThrow('routes[0].service is ""')
    expect((await world.request('/x')).body).toBe('new')
  })
})

describe('options are checked before anything is opened', () => {
  const registry = new Registry(memory({ store: new MemoryStore() }))
  const bad = (options: object): string => {
    try {
      void new Gateway({
        discovery: registry,
        routes: [{ service: 'a' }],
        ...options,
      })
    } catch (error) {
      return (error as Error).message
    }
    return 'accepted'
  }
  test.each([
    [{ routs: [] }, 'unknown key "routs"; did you mean "routes"?'],
    [{ discovery: {} }, 'discovery is'],
    [{ trustedHops: -1 }, 'trustedHops is -1; expected a whole number from 0 to 100'],
    [{ timeouts: { headersMs: 0.5 } }, 'timeouts.headersMs is 0.5'],
    [{ routes: [] }, 'routes is'],
    [
      { routes: [{ service: 'a' }, { service: 'b' }] },
      'routes[1] has the host and prefix of routes[0]: /',
    ],
  ])('%o', (options, message) => {
    expect(bad(options)).toContain(message)
  })
  test.each([
    [{ service: 1 }, 'routes[0].service is 1'],
    [
      { service: 'a', prefx: '/' },
      'unknown key "routes[0].prefx"; did you mean "routes[0].prefix"?',
    ],
    [{ service: 'a', prefix: 'a' }, 'routes[0].prefix is "a"; expected a path like /orders'],
    [{ service: 'a', prefix: '/a/../b' }, 'routes[0].prefix'],
    [{ service: 'a', prefix: '/healthz' }, 'which the gateway answers itself'],
    [
      { service: 'a', host: 'a:80' },
      'routes[0].host is "a:80"; expected a host name without a port',
    ],
    [{ service: 'a', scheme: 'ftp' }, 'routes[0].scheme'],
    [{ service: 'a', stripPrefix: 1 }, 'routes[0].stripPrefix'],
    [{ service: 'a', maxBodyBytes: -1 }, 'routes[0].maxBodyBytes'],
    [{ service: 'a', maxRequests: 0 }, 'routes[0].maxRequests is 0'],
    [{ service: 'a', timeouts: { responseMs: 'x' } }, 'routes[0].timeouts.responseMs'],
    [{ service: 'a', tls: { ca: 'file.pem' } }, 'holds no PEM block'],
    [{ service: 'a', scheme: 'http', tls: {} }, 'tls is given for a plain connection'],
    [{ service: 'a', balancer: { strategy: 'p3c' } }, 'routes[0]: strategy "p3c" is unknown'],
    [{ service: 'a', retry: { attempts: 0 } }, 'routes[0]: retry.attempts is 0'],
  ])('route %o', (route, message) => {
    expect(bad({ routes: [route as unknown as RouteOptions] })).toContain(message)
  })
})

describe('probes', () => {
  test('the gateway is ready once the registry has answered for each service', async () => {
    await using registry = new Registry(memory({ store: new MemoryStore() }))
    await using gateway = new Gateway({ discovery: registry, routes: [{ service: 'orders' }] })
    expect(gateway.unready).toEqual(['the registry has not yet answered for orders'])
    await expect.poll(() => gateway.unready).toEqual([])
  })

  test('are answered beside the routes', async () => {
    await using world = await World.create()
    await world.backend()
    const gateway = await world.gateway()
    await expect.poll(async () => (await world.request('/readyz')).status).toBe(200)
    expect(JSON.parse((await world.request('/healthz')).body)).toEqual({ status: 'ok' })
    expect((await world.request('/healthz', { method: 'HEAD' })).body).toBe('')
    const client = world.connect()
    client.socket.write('GET /readyz HTTP/1.1\r\nhost: a\r\n\r\n')
    await client.until(/"ok"/)
    const stopped = gateway.stop({ announceMs: 500 })
    client.socket.write('GET /readyz HTTP/1.1\r\nhost: a\r\n\r\n')
    expect(await client.until(/503[^]*draining/)).toContain('the gateway is draining')
    await stopped
  })
})

test('stopping finishes the requests under way', async () => {
  await using world = await World.create()
  const begun = Promise.withResolvers<() => void>()
  await world.backend((_request, response) => {
    response.write('be')
    begun.resolve(() => response.end('gun'))
  })
  const gateway = await world.gateway()
  const response = world.request('/')
  const finish = await begun.promise
  const stopped = gateway.stop()
  finish()
  expect((await response).body).toBe('begun')
  await stopped
  await expect(world.request('/')).rejects.toThrow('ECONNREFUSED')
})
