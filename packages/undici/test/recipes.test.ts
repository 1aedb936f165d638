import { createServer } from 'node:http'
import replyFrom from '@fastify/reply-from'
import { create } from 'axios'
import Fastify from 'fastify'
import got from 'got'
import ky from 'ky'
import { type Dispatcher, interceptors, MockAgent, request } from 'undici'
import { describe, expect, test } from 'vitest'
import { ServiceAgent } from '../src/index.ts'
import { type Echo, failureOf, inOrder, serve, World } from './world.ts'

/** Two instances, called in turn. */
const fleet = async (): Promise<World> => {
  const world = await World.create()
  await world.http('a')
  await world.http('b')
  return world
}

const agentOf = (world: World): ServiceAgent => {
  const agent = new ServiceAgent({ discovery: world.registry, balancer: inOrder })
  world.use({ [Symbol.asyncDispose]: () => agent.destroy() })
  return agent
}

/** Calls four times. */
const ask = async (once: () => Promise<Echo>): Promise<string> => {
  let ids = ''
  for (let i = 0; i < 4; i += 1) {
    const { id, host } = await once()
    expect(host).toBe('orders.sd')
    ids += id
  }
  return ids
}

describe('picks for each request of', () => {
  test('got, with the agents', async () => {
    await using world = await fleet()
    const agent = agentOf(world)
    const options = { agent: { http: agent.http, https: agent.https } }
    expect(await ask(() => got('http://orders.sd/x', options).json<Echo>())).toBe('abab')
  })

  test('got, which retries on another instance', async () => {
    await using world = await World.create()
    await world.dead('a')
    await world.http('b')
    const agent = agentOf(world)
    const { id } = await got('http://orders.sd/x', { agent: { http: agent.http } }).json<Echo>()
    expect(id).toBe('b')
  })

  test('axios, with the agents', async () => {
    await using world = await fleet()
    const agent = agentOf(world)
    const client = create({ httpAgent: agent.http, proxy: false })
    expect(await ask(async () => (await client.get<Echo>('http://orders.sd/x')).data)).toBe('abab')
  })

  test('axios over fetch, with the dispatcher', async () => {
    await using world = await fleet()
    const fetchOptions = { dispatcher: world.dispatcher() } as unknown as Record<string, string>
    const client = create({ adapter: 'fetch', fetchOptions })
    expect(await ask(async () => (await client.get<Echo>('http://orders.sd/x')).data)).toBe('abab')
  })

  test('ky, with the dispatcher', async () => {
    await using world = await fleet()
    const dispatcher = world.dispatcher()
    const client = ky.create({
      fetch: (input, init) => fetch(input, { ...init, dispatcher } as unknown as RequestInit),
      retry: 0,
    })
    expect(await ask(() => client('http://orders.sd/x').json<Echo>())).toBe('abab')
  })

  test('@fastify/reply-from, with the dispatcher', async () => {
    await using world = await fleet()
    const app = Fastify()
    await app.register(replyFrom, {
      undici: world.dispatcher() as never,
      base: 'http://orders.sd',
    })
    app.all('/*', (incoming, reply) => reply.from(incoming.url))
    expect(await ask(async () => (await app.inject('/x')).json<Echo>())).toBe('abab')
    const { body, method } = (
      await app.inject({ method: 'POST', url: '/x', payload: { a: 1 } })
    ).json<Echo>()
    expect([method, body]).toEqual(['POST', '{"a":1}'])
    await app.close()
  })
})

describe('together with undici’s own', () => {
  test('interceptors', async () => {
    await using world = await World.create()
    await world.http('a', (incoming, response) => {
      if (incoming.url === '/old') response.writeHead(302, { location: '/new' }).end()
      else response.writeHead(incoming.url === '/new' ? 200 : 404).end(incoming.url)
    })
    const dispatcher = world
      .dispatcher()
      .compose(interceptors.redirect({ maxRedirections: 1 }), interceptors.responseError())
    const response = await request('http://orders.sd/old', { dispatcher })
    expect(await response.body.text()).toBe('/new')
    const error = await failureOf(request('http://orders.sd/none', { dispatcher }))
    expect((error as { statusCode?: number }).statusCode).toBe(404)
  })

  test('MockAgent, in its place or as its fallback', async () => {
    await using world = await World.create()
    await world.http('a')
    const mock = new MockAgent()
    mock.disableNetConnect()
    mock.get('http://orders.sd').intercept({ path: '/' }).reply(200, 'mocked')
    mock.get('http://example.com').intercept({ path: '/' }).reply(200, 'mocked too')
    const text = async (url: string, dispatcher: Dispatcher): Promise<string> =>
      (await request(url, { dispatcher })).body.text()
    expect(await text('http://orders.sd/', mock)).toBe('mocked')
    const dispatcher = world.dispatcher({ fallback: mock })
    expect(await text('http://example.com/', dispatcher)).toBe('mocked too')
    expect(await text('http://orders.sd/', dispatcher)).toContain('"id":"a"')
    await mock.close()
  })

  test('a request whose key function throws fails, and leaves nothing behind', async () => {
    await using world = await World.create()
    const served = world.use(await serve(createServer()))
    await world.register('a', served.endpoint)
    const dispatcher = world.dispatcher({
      key: () => {
        throw new Error('no key')
      },
    })
    expect((await failureOf(request('http://orders.sd/', { dispatcher }))).message).toBe('no key')
    expect(dispatcher.stats.requests).toBe(0)
    await dispatcher.close()
  })
})
