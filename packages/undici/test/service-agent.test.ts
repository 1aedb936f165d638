import http from 'node:http'
import https from 'node:https'
import { text } from 'node:stream/consumers'
import { createCertificates } from '@sd/contract-tests/servers'
import { describe, expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { CallError, ServiceAgent, type ServiceAgentOptions } from '../src/index.ts'
import { type Echo, failureOf, inOrder, serve, World } from './world.ts'

const agentOf = (world: World, options: Partial<ServiceAgentOptions> = {}): ServiceAgent => {
  const agent = new ServiceAgent({ discovery: world.registry, balancer: inOrder, ...options })
  world.use({ [Symbol.asyncDispose]: () => agent.destroy() })
  return agent
}

const send = (
  url: string,
  options: http.RequestOptions & { body?: string },
): Promise<http.IncomingMessage> =>
  new Promise((resolve, reject) => {
    const made = url.startsWith('https:') ? https : http
    made.request(url, options, resolve).on('error', reject).end(options.body)
  })

const get = async (url: string, agent: http.Agent): Promise<Echo> =>
  JSON.parse(await text(await send(url, { agent }))) as Echo

describe('ServiceAgent', () => {
  test('sends each request to an instance in turn, on connections that are kept alive', async () => {
    await using world = await World.create()
    const servers = [await world.http('a'), await world.http('b')]
    const agent = agentOf(world)
    const answers = []
    for (let i = 0; i < 6; i += 1) answers.push(await get('http://orders.sd/x', agent.http))
    expect(answers.map(({ id }) => id)).toEqual(['a', 'b', 'a', 'b', 'a', 'b'])
    expect(answers[0]).toMatchObject({ host: 'orders.sd', url: '/x' })
    expect(servers.map(({ connections }) => connections)).toEqual([1, 1])
  })

  test('sends data that was written before the registry answered', async () => {
    await using world = await World.create()
    await world.http('a')
    const response = await send('http://orders.sd/', {
      agent: agentOf(world).http,
      method: 'POST',
      body: 'abc',
    })
    expect(JSON.parse(await text(response))).toMatchObject({ method: 'POST', body: 'abc' })
  })

  test('drops a request that is destroyed while it waits', async () => {
    await using world = await World.create()
    const server = await world.http('a')
    const agent = agentOf(world)
    const error = await failureOf(
      new Promise((resolve, reject) => {
        const made = http.get('http://orders.sd/', { agent: agent.http }, resolve)
        made.on('error', reject)
        made.destroy(new Error('enough'))
      }),
    )
    expect(error.message).toBe('enough')
    await agent.close()
    expect(server.requests).toBe(0)
  })

  test('handles other hosts as Node does', async () => {
    await using world = await World.create()
    const server = await world.http('a')
    expect((await get(server.endpoint, agentOf(world).http)).host).toContain('127.0.0.1')
  })

  test('prefixes the path with that of the endpoint', async () => {
    await using world = await World.create()
    const server = await world.http('a')
    await world.register('p', `${server.endpoint}/base`, { service: 'prefixed' })
    const agent = agentOf(world)
    // the first waits for the registry while its head is made
    for (let i = 0; i < 2; i += 1)
      expect((await get('http://prefixed.sd/x', agent.http)).url).toBe('/base/x')
    const listed = await send('http://prefixed.sd/y', {
      agent: agentOf(world).http,
      headers: ['host', 'prefixed.sd', 'x-a', '1'],
    })
    expect(JSON.parse(await text(listed))).toMatchObject({
      url: '/base/y',
      headers: { 'x-a': '1' },
    })
  })

  test('closes idle connections of a removed instance, and others when they become free', async () => {
    await using world = await World.create()
    const idle = await world.http('a')
    const gate = Promise.withResolvers<void>()
    const busy = await world.http('b', (_request, response) => {
      response.write('first ')
      void gate.promise.then(() => response.end('last'))
    })
    const agent = agentOf(world)
    await get('http://orders.sd/', agent.http)
    const response = await send('http://orders.sd/', { agent: agent.http })
    await world.deregister('a')
    await world.deregister('b')
    await expect.poll(() => idle.open).toBe(0)
    expect(busy.open).toBe(1)
    gate.resolve()
    expect(await text(response)).toBe('first last')
    await expect.poll(() => busy.open).toBe(0)
  })

  test('avoids an instance that refused, while there is another', async () => {
    await using world = await World.create()
    await world.dead('a')
    await world.http('b')
    const agent = agentOf(world)
    const error = await failureOf(get('http://orders.sd/', agent.http))
    expect((error as { code?: string }).code).toBe('ECONNREFUSED')
    for (let i = 0; i < 4; i += 1) expect((await get('http://orders.sd/', agent.http)).id).toBe('b')
  })

  test('reports why it cannot send', async () => {
    await using world = await World.create()
    await world.http('a')
    const agent = agentOf(world)
    const unknown = await failureOf(get('http://nobody.sd/', agent.http))
    expect(unknown).toBeInstanceOf(CallError)
    expect(unknown).toMatchObject({ code: 'unavailable', service: 'nobody' })
    expect((await failureOf(get('http://orders.sd:81/', agent.http))).message).toContain('port 81')
    expect((await failureOf(get('https://orders.sd/', agent.https))).message).toContain('https')
    expect(() => new ServiceAgent({ discovery: world.registry, retry: false } as never)).toThrow(
      'unknown option retry',
    )
    expect(
      () => new ServiceAgent({ discovery: world.registry, timeouts: { tryMs: 1 } } as never),
    ).toThrow('unknown option timeouts.tryMs')
    await agent.close()
    expect((await failureOf(get('http://orders.sd/', agent.http))).code).toBe('closed')
  })

  test('closes gracefully: requests in flight finish', async () => {
    await using world = await World.create()
    const gate = Promise.withResolvers<void>()
    const server = await world.http('a', (_request, response) => {
      response.write('first ')
      void gate.promise.then(() => response.end('last'))
    })
    const agent = agentOf(world)
    const response = await send('http://orders.sd/', { agent: agent.http })
    const closed = agent.close()
    gate.resolve()
    expect(await text(response)).toBe('first last')
    await closed
    await expect.poll(() => server.open).toBe(0)
    expect(world.registry.health().watches).toEqual([])
  })

  test('uses the right server name over https, and keeps TLS connections alive', async () => {
    await using world = await World.create()
    const { ca, server: certificate } = await createCertificates()
    const server = https.createServer(certificate, (incoming, response) =>
      response.end(
        JSON.stringify({
          id: (incoming.socket as { servername?: string }).servername,
          host: incoming.headers.host,
        }),
      ),
    )
    const served = world.use(await serve(server, 'https', 0, 'secureConnection'))
    await world.register('a', served.endpoint)
    const agent = agentOf(world, { https: { ca }, tlsName: 'localhost' })
    for (let i = 0; i < 3; i += 1)
      expect(await get('https://orders.sd/', agent.https)).toEqual({
        id: 'localhost',
        host: 'orders.sd',
      })
    expect(served.connections).toBe(1)
    const strict = agentOf(world, { https: { ca } })
    const error = await failureOf(get('https://orders.sd/', strict.https))
    expect((error as { code?: string }).code).toBe('ERR_TLS_CERT_ALTNAME_INVALID')
  })

  test('carries WebSockets of ws', async () => {
    await using world = await World.create()
    const server = http.createServer()
    new WebSocketServer({ server }).on('connection', (socket, incoming) =>
      socket.send(`hello ${incoming.headers.host}`),
    )
    const served = world.use(await serve(server))
    await world.register('a', served.endpoint)
    const socket = new WebSocket('ws://orders.sd/', { agent: agentOf(world).http })
    const message = await new Promise<string>((resolve, reject) => {
      socket.on('message', (data: Buffer) => resolve(data.toString()))
      socket.on('error', reject)
    })
    expect(message).toBe('hello orders.sd')
    socket.close()
  })
})
