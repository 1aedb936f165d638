import type { RequestListener } from 'node:http'
import { createSecureServer } from 'node:http2'
import { createServer } from 'node:https'
import type { TLSSocket } from 'node:tls'
import { createCertificates } from '@sd/contract-tests/servers'
import { request } from 'undici'
import { describe, expect, test } from 'vitest'
import type { ServiceDispatcherOptions } from '../src/index.ts'
import { failureOf, serve, type TestServer, World } from './world.ts'

const { ca, server: certificate } = await createCertificates()

/** Answers with the server name of SNI, the Host and the version of HTTP. */
const tell: RequestListener = (incoming, response) => {
  const socket = incoming.socket as TLSSocket & { readonly servername?: string }
  // over HTTP/2, Host is a pseudo-header
  const host = incoming.headers[':authority'] ?? incoming.headers.host
  response.end(`${socket.servername} ${String(host)} ${incoming.httpVersion}`)
}

const secure = async (world: World, http2 = false): Promise<TestServer> => {
  const options = { ...certificate, allowHTTP1: true }
  const server = http2 ? createSecureServer(options, tell as never) : createServer(options, tell)
  const served = world.use(await serve(server, 'https', 0, 'secureConnection'))
  await world.register('a', served.endpoint)
  return served
}

const read = async (
  world: World,
  url: string,
  options: Partial<ServiceDispatcherOptions>,
): Promise<string> => {
  const dispatcher = world.dispatcher({ pool: { connect: { ca } }, ...options })
  return (await request(url, { dispatcher })).body.text()
}

describe('a service over https', () => {
  test('is verified by the name of the URL, for which the certificate must be valid', async () => {
    await using world = await World.create()
    await secure(world)
    // the test's certificate is for localhost
    expect(await read(world, 'https://localhost/', { services: { localhost: 'orders' } })).toBe(
      'localhost localhost 1.1',
    )
    const error = await failureOf(read(world, 'https://orders.sd/', {}))
    expect(error.code).toBe('unavailable')
    expect((error.cause as { code?: string }).code).toBe('ERR_TLS_CERT_ALTNAME_INVALID')
  })

  test('may have a certificate for another name, or for its endpoint', async () => {
    await using world = await World.create()
    const { port } = await secure(world)
    expect(await read(world, 'https://orders.sd/', { tlsName: 'localhost' })).toBe(
      'localhost orders.sd 1.1',
    )
    await world.register('named', `https://localhost:${port}`, { service: 'named' })
    expect(await read(world, 'https://named.sd/', { tlsName: 'endpoint' })).toBe(
      'localhost named.sd 1.1',
    )
  })

  test('may have a certificate for an address: there is no SNI then', async () => {
    await using world = await World.create()
    await secure(world)
    expect(await read(world, 'https://orders.sd/', { tlsName: 'endpoint' })).toMatch(
      /^(false|undefined) orders\.sd 1\.1$/,
    )
  })

  test('never uses an endpoint without TLS', async () => {
    await using world = await World.create()
    await world.http('plain')
    const error = await failureOf(read(world, 'https://orders.sd/', {}))
    expect(error).toMatchObject({ code: 'unavailable', attempts: 0 })
  })

  test('keeps a connection for each name, also when names alternate', async () => {
    await using world = await World.create()
    const server = await secure(world)
    const dispatcher = world.dispatcher({
      services: { localhost: 'orders' },
      pool: { connect: { ca }, connections: 1 },
      tlsName: 'url',
      overrides: {},
    })
    for (let i = 0; i < 10; i += 1) {
      const options = { origin: 'https://localhost', path: '/', method: 'GET' as const }
      const servername = i % 2 === 0 ? 'localhost' : 'LOCALHOST'
      // undici accepts a server name per request, which its types omit
      const response = await dispatcher.request({ ...options, servername } as typeof options)
      expect(response.statusCode).toBe(200)
      await response.body.dump()
    }
    expect(server.connections).toBe(2)
    expect(dispatcher.stats.pools).toBe(2)
  })

  test('speaks HTTP/2 where the instance does: many requests, one connection', async () => {
    await using world = await World.create()
    const server = await secure(world, true)
    const dispatcher = world.dispatcher({ tlsName: 'localhost', pool: { connect: { ca } } })
    const get = async (): Promise<string> =>
      (await request('https://orders.sd/', { dispatcher })).body.text()
    expect(await get()).toBe('localhost orders.sd 2.0')
    const all = await Promise.all(Array.from({ length: 30 }, get))
    expect(new Set(all)).toEqual(new Set(['localhost orders.sd 2.0']))
    expect(server.connections).toBe(1)
    const post = await request('https://orders.sd/', { dispatcher, method: 'POST', body: 'x' })
    expect(post.statusCode).toBe(200)
    await post.body.dump()
  })

  test('speaks HTTP/1.1 with a handler of undici 6, and HTTP/2 with others', async () => {
    await using world = await World.create()
    await secure(world, true)
    const dispatcher = world.dispatcher({ tlsName: 'localhost', pool: { connect: { ca } } })
    const init = { dispatcher } as unknown as RequestInit
    expect(await (await fetch('https://orders.sd/', init)).text()).toBe('localhost orders.sd 1.1')
    const { body } = await request('https://orders.sd/', { dispatcher })
    expect(await body.text()).toBe('localhost orders.sd 2.0')
    expect(dispatcher.stats.pools).toBe(2)
  })

  test('over HTTP/2, a removed instance finishes its requests', async () => {
    await using world = await World.create()
    const gate = Promise.withResolvers<void>()
    const server = createSecureServer({ ...certificate }, (_request, response) => {
      response.write('first ')
      void gate.promise.then(() => response.end('last'))
    })
    const served = world.use(await serve(server, 'https', 0, 'secureConnection'))
    await world.register('a', served.endpoint)
    const dispatcher = world.dispatcher({ tlsName: 'localhost', pool: { connect: { ca } } })
    const { body } = await request('https://orders.sd/', { dispatcher })
    await world.deregister('a')
    await expect.poll(() => world.registry.list('orders')).toEqual([])
    gate.resolve()
    expect(await body.text()).toBe('first last')
    await expect.poll(() => served.open).toBe(0)
    await expect.poll(() => dispatcher.stats.pools).toBe(0)
  })
})
