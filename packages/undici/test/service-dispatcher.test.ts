import { RegistryError } from '@sd/core'
import { createRegistry } from '@sd/registry'
import { Agent, type Dispatcher, fetch as undiciFetch, request, stream } from 'undici'
import { Writable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { CallError, ServiceDispatcher } from '../src/index.ts'
import { type Echo, failureOf, World } from './world.ts'

const read = async (response: Dispatcher.ResponseData): Promise<Echo> =>
  (await response.body.json()) as Echo

describe('a request to a service', () => {
  test('goes to its instances in turn, with the Host of the URL', async () => {
    await using world = await World.create()
    await world.http('a')
    await world.http('b')
    const dispatcher = world.dispatcher()
    const answers = []
    for (let i = 0; i < 4; i += 1)
      answers.push(await read(await request('http://orders.sd/x?y=1', { dispatcher })))
    expect(answers.map(({ id }) => id).toSorted()).toEqual(['a', 'a', 'b', 'b'])
    expect(answers[0]).toMatchObject({ method: 'GET', url: '/x?y=1', host: 'orders.sd' })
  })

  test('keeps a Host that the caller sets, in every form of headers', async () => {
    await using world = await World.create()
    await world.http('a')
    const dispatcher = world.dispatcher()
    const hostOf = async (headers: Dispatcher.DispatchOptions['headers']): Promise<string> =>
      (await read(await request('http://orders.sd/', { dispatcher, headers: headers ?? null })))
        .host
    expect(await hostOf(null)).toBe('orders.sd')
    expect(await hostOf({ accept: '*/*' })).toBe('orders.sd')
    expect(await hostOf({ HOST: 'x.example' })).toBe('x.example')
    expect(await hostOf(['accept', '*/*'])).toBe('orders.sd')
    expect(await hostOf(['Host', 'x.example'])).toBe('x.example')
    expect(await hostOf(new Map([['accept', '*/*']]))).toBe('orders.sd')
    expect(await hostOf(new Map([['host', 'x.example']]))).toBe('x.example')
  })

  test('waits for the first answer of the registry', async () => {
    await using world = await World.create()
    await world.http('a')
    const dispatcher = world.dispatcher()
    const together = await Promise.all(
      Array.from({ length: 5 }, () => request('http://orders.sd/', { dispatcher })),
    )
    for (const response of together) expect((await read(response)).id).toBe('a')
    expect(dispatcher.stats).toMatchObject({ services: 1, requests: 0 })
  })

  test('prefixes its path with that of the endpoint', async () => {
    await using world = await World.create()
    const server = await world.http('other')
    await world.register('a', `${server.endpoint}/base/`, { service: 'prefixed' })
    const dispatcher = world.dispatcher()
    const { url } = await read(await request('http://prefixed.sd/x?y=1', { dispatcher }))
    expect(url).toBe('/base/x?y=1')
  })

  test('works with stream and with the fetch of undici', async () => {
    await using world = await World.create()
    await world.http('a')
    const dispatcher = world.dispatcher()
    const chunks: Buffer[] = []
    await stream(
      'http://orders.sd/s',
      { dispatcher, method: 'GET' },
      () =>
        new Writable({
          write(chunk: Buffer, _encoding, done) {
            chunks.push(chunk)
            done()
          },
        }),
    )
    expect(JSON.parse(Buffer.concat(chunks).toString())).toMatchObject({ id: 'a', url: '/s' })
    const response = await undiciFetch('http://orders.sd/f', {
      method: 'POST',
      body: 'abc',
      dispatcher,
    })
    expect(await response.json()).toMatchObject({ method: 'POST', url: '/f', body: 'abc' })
  })

  test('finds a service whose name is not a host name by `services`, and decodes punycode labels', async () => {
    await using world = await World.create()
    const server = await world.http('a')
    await world.register('b', server.endpoint, { service: 'Billing EU' })
    await world.register('c', server.endpoint, { service: 'größe' })
    const dispatcher = world.dispatcher({ services: { 'billing.sd': 'Billing EU' } })
    expect((await read(await request('http://billing.sd/', { dispatcher }))).id).toBe('a')
    expect((await read(await request('http://größe.sd/', { dispatcher }))).id).toBe('a')
  })

  test('picks by the key in a header', async () => {
    await using world = await World.create()
    for (const id of ['a', 'b', 'c', 'd']) await world.http(id)
    const dispatcher = world.dispatcher({
      balancer: { strategy: 'consistent-hash' },
      key: 'X-User',
    })
    const idOf = async (user: string): Promise<string> =>
      (await read(await request('http://orders.sd/', { dispatcher, headers: { 'x-user': user } })))
        .id
    const users = Array.from({ length: 20 }, (_, i) => `user-${i}`)
    // one after the other: under load the strategy moves a key to another instance
    const first: string[] = []
    for (const user of users) first.push(await idOf(user))
    expect(new Set(first).size).toBeGreaterThan(1)
    for (const [index, user] of users.entries()) expect(await idOf(user)).toBe(first[index])
  })
})

describe('a request to another host', () => {
  test('goes to the fallback, with HTTP/1.1 for a handler of undici 6', async () => {
    await using world = await World.create()
    const server = await world.http('a')
    const seen: unknown[] = []
    const fallback = new Agent().compose((dispatch) => (options, handler) => {
      seen.push((options as { allowH2?: boolean }).allowH2)
      return dispatch(options, handler)
    })
    const dispatcher = world.dispatcher({ fallback })
    expect((await read(await request(server.endpoint, { dispatcher }))).host).toContain('127.0.0.1')
    const init = { dispatcher } as unknown as RequestInit
    expect(await (await fetch(server.endpoint, init)).json()).toMatchObject({ id: 'a' })
    expect(seen[0]).toBeUndefined()
    await fallback.close()
  })

  test('fails without a fallback, and the error says which hosts are accepted', async () => {
    await using world = await World.create()
    const dispatcher = world.dispatcher({ fallback: null, services: { 'billing.sd': 'B' } })
    const error = await failureOf(request('http://example.com/', { dispatcher }))
    expect(error).toBeInstanceOf(RegistryError)
    expect(error.code).toBe('invalid-argument')
    expect(error.message).toContain('"http://example.com" is not a service')
    expect(error.message).toContain('.sd')
    expect(error.message).toContain('billing.sd')
  })
})

describe('a request that cannot be sent', () => {
  test('to an unknown service fails with that reason', async () => {
    await using world = await World.create()
    const error = await failureOf(request('http://nobody.sd/', { dispatcher: world.dispatcher() }))
    expect(error).toBeInstanceOf(CallError)
    expect(error).toMatchObject({ code: 'unavailable', service: 'nobody', attempts: 0 })
    expect(error.message).toContain('no instance is registered')
    expect(error.cause).toBeInstanceOf(RegistryError)
  })

  test('without an endpoint of the scheme names the schemes that exist', async () => {
    await using world = await World.create()
    await world.http('a')
    const error = await failureOf(request('https://orders.sd/', { dispatcher: world.dispatcher() }))
    expect(error.code).toBe('unavailable')
    expect(error.message).toContain('"https"')
    expect(error.message).toContain('"http"')
  })

  test.each([
    ['http://orders.sd:8080/', 'port 8080'],
    ['ftp://orders.sd/', 'scheme'],
  ])('%s names %s', async (url, part) => {
    await using world = await World.create()
    const dispatcher = world.dispatcher()
    const origin = new URL(url).protocol === 'ftp:' ? 'ftp://orders.sd' : new URL(url).origin
    const error = await failureOf(dispatcher.request({ origin, path: '/', method: 'GET' }))
    expect(error.code).toBe('invalid-argument')
    expect(error.message).toContain(part)
    expect(error.message).toContain('expected')
  })

  test('with arguments that undici refuses fails once, without retries', async () => {
    await using world = await World.create()
    const [a, b] = [await world.http('a'), await world.http('b')]
    const dispatcher = world.dispatcher()
    const error = await failureOf(
      request('http://orders.sd/', { dispatcher, headers: { expect: '100-continue' } }),
    )
    expect(error).toMatchObject({ code: 'invalid-argument', attempts: 1 })
    expect(error.message).toContain('expect')
    expect((error.cause as { code?: string }).code).toBe('UND_ERR_NOT_SUPPORTED')
    expect(a.requests + b.requests).toBe(0)
  })

  test('while the registry is unreachable says since when', async () => {
    await using world = await World.create()
    const away = new RegistryError('unavailable', {
      backend: 'test',
      operation: 'watch',
      message: 'refused',
    })
    const discovery = Object.create(world.registry) as typeof world.registry
    discovery.watch = (service) => {
      const watcher = world.registry.watch(service)
      return Object.assign(Object.create(watcher) as typeof watcher, {
        next: () => new Promise<undefined>(() => {}),
        close: () => watcher.close(),
        async *[Symbol.asyncIterator]() {
          yield { type: 'stale', cause: away } as const
          await new Promise(() => {})
        },
      })
    }
    const dispatcher = world.dispatcher({ discovery, timeouts: { discoveryMs: 50 } })
    const error = await failureOf(request('http://orders.sd/', { dispatcher }))
    expect(error.code).toBe('unavailable')
    expect(error.message).toContain('the registry has not answered for the service within 50 ms')
  })
})

describe('options', () => {
  test.each([
    [{ sufix: '.x' }, 'did you mean "suffix"'],
    [{ suffix: 'sd' }, 'suffix is "sd"; expected a dot'],
    [{ suffix: '.1' }, 'not a number'],
    [{ services: { 'Billing.sd': 'x' } }, 'a key of services is "Billing.sd"'],
    [{ services: { 'billing.sd': '' } }, 'services["billing.sd"]'],
    [{ retry: { attempts: 0 } }, 'retry.attempts is 0; expected a whole number from 1 to 10'],
    [{ retry: { statuses: [200] } }, 'retry.statuses'],
    [{ retry: { budget: { ratio: -1 } } }, 'ratio'],
    [{ timeouts: { tryMs: 1.5 } }, 'timeouts.tryMs is 1.5'],
    [{ hedge: {} }, 'hedge.delayMs is undefined'],
    [{ pool: { connectTimeout: 5 } }, 'timeouts.connectMs'],
    [{ pool: { connections: -1 } }, 'connections'],
    [{ pool: { headersTimeout: -1 } }, 'headersTimeout'],
    [{ tlsName: 'no host!' }, 'tlsName'],
    [{ key: 'no header!' }, 'key is "no header!"'],
    [{ balancer: { strategy: 'best' } }, 'strategy'],
    [{ overrides: { orders: { retry: { attempts: 99 } } } }, 'overrides["orders"].retry.attempts'],
    [{ overrides: { orders: { sufix: 1 } } }, 'overrides["orders"].sufix'],
    [{ discovery: {} }, 'discovery'],
    [{ fallback: 1 }, 'fallback'],
    [{ idleMs: 0 }, 'idleMs'],
  ])('%j is refused: %s', async (options, message) => {
    await using registry = await createRegistry('memory:refused-options')
    const make = (): unknown => new ServiceDispatcher({ discovery: registry, ...options } as never)
    expect(make).toThrow(RegistryError)
    expect(make).toThrow(message)
  })

  test('of one service override the common ones', async () => {
    await using world = await World.create()
    const server = await world.http('a', () => {})
    await world.register('p', server.endpoint, { service: 'payments' })
    const dispatcher = world.dispatcher({
      retry: false,
      timeouts: { tryMs: 2_000 },
      overrides: { orders: { timeouts: { tryMs: 30 } } },
    })
    const error = await failureOf(request('http://orders.sd/', { dispatcher }))
    expect(error).toMatchObject({ code: 'timeout', attempts: 1, instance: 'a' })
    expect(error.message).toContain('30 ms (timeouts.tryMs)')
  })
})

describe('closing', () => {
  test('finishes requests in flight, refuses new ones, and releases everything', async () => {
    await using world = await World.create()
    const gate = Promise.withResolvers<void>()
    const server = await world.http('a', (_request, response) => {
      response.write('first ')
      void gate.promise.then(() => response.end('last'))
    })
    const dispatcher = world.dispatcher()
    const response = await request('http://orders.sd/', { dispatcher })
    const closed = dispatcher.close()
    expect(dispatcher.closed).toBe(true)
    const refused = await failureOf(request('http://orders.sd/', { dispatcher }))
    expect(refused.code).toBe('closed')
    gate.resolve()
    expect(await response.body.text()).toBe('first last')
    await closed
    expect(dispatcher.stats).toEqual({ services: 0, pools: 0, requests: 0, upgraded: 0 })
    await expect.poll(() => server.open).toBe(0)
    expect(world.registry.health().watches).toEqual([])
    await dispatcher.close()
  })

  test('destroy fails requests in flight, and waiting ones, at once', async () => {
    await using world = await World.create()
    await world.http('a', () => {})
    const dispatcher = world.dispatcher()
    const pending = failureOf(request('http://orders.sd/', { dispatcher }))
    await expect.poll(() => dispatcher.stats.pools).toBe(1)
    const waiting = failureOf(request('http://slow.sd/', { dispatcher }))
    await dispatcher.destroy()
    expect((await pending).code).toBe('closed')
    expect((await waiting).code).toBe('closed')
    expect(dispatcher.stats).toMatchObject({ services: 0, requests: 0 })
    expect(dispatcher.destroyed).toBe(true)
  })

  test('accepts callbacks as undici does, and `await using`', async () => {
    await using world = await World.create()
    await world.http('a')
    const closing = world.dispatcher()
    await new Promise<void>((resolve) => void closing.close(resolve))
    const destroying = world.dispatcher()
    await new Promise<void>((resolve) => destroying.destroy(null, resolve))
    const used = world.dispatcher()
    {
      await using inside = used
      await (await request('http://orders.sd/', { dispatcher: inside })).body.dump()
    }
    expect(used.closed).toBe(true)
  })

  test('of the registry makes requests fail with `closed`', async () => {
    await using world = await World.create()
    await world.http('a')
    const dispatcher = world.dispatcher()
    await (await request('http://orders.sd/', { dispatcher })).body.dump()
    await world.registry.close()
    const error = await failureOf(request('http://orders.sd/', { dispatcher }))
    expect(error.code).toBe('closed')
    await expect.poll(() => dispatcher.stats.services).toBe(0)
  })
})
