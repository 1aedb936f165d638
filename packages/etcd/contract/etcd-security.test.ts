import { inspect } from 'node:util'
import { Registry } from '@sd/core'
import { codeOf, idsOf, instance, observing, orders, request, soon } from '@sd/contract-tests/world'
import { createCertificates, type Server, TcpProxy } from '@sd/contract-tests/servers'
import { etcd, launch, provisionFor, until } from '@sd/test-servers'
import { describe, expect, test } from 'vitest'
import { RegistryWorld, slackMs } from './registry-world.ts'
import { admin, connect } from './support.ts'

const controllable = (await provisionFor('etcd')).how !== 'endpoint'
const clientOf = (server: Server | undefined): string => server?.endpoints['client'] ?? ''
const credentials = { username: 'app', password: 'hunter2-app' }

/** Turns authentication on; `app` may use the service `orders`. */
const secure = async (endpoint: string): Promise<void> => {
  using etcdItself = admin(endpoint)
  await etcdItself.user('root').create('hunter2-root')
  await etcdItself.role('root').create()
  await etcdItself.user('root').addRole('root')
  await etcdItself.role('app').create()
  await etcdItself
    .role('app')
    .grant({ permission: 'Readwrite', range: etcdItself.range({ prefix: 'services/orders/' }) })
  await etcdItself.user('app').create('hunter2-app')
  await etcdItself.user('app').addRole('app')
  await etcdItself.auth.authEnable()
}

describe.runIf(controllable)('S1: authentication', () => {
  test('a forbidden service affects no other service', async () => {
    await using cluster = await launch(etcd)
    const endpoint = clientOf(cluster.servers[0])
    await secure(endpoint)
    const driver = connect([endpoint], credentials)
    const session = await driver.openSession({ ttlMs: 10_000 }, soon())
    await using watch = observing(driver)
    await watch.any()
    const denied = { code: 'permission-denied', retryable: false }
    const forbidden = { service: 'secret' }
    await expect(observing(driver, forbidden).any()).rejects.toMatchObject(denied)
    await expect(observing(driver, { all: true }).any()).rejects.toMatchObject(denied)
    await expect(driver.list(forbidden, soon())).rejects.toMatchObject(denied)
    const mixed = [request('1'), request('1', {}, { service: 'secret' })]
    await expect(session.put(mixed, soon())).rejects.toMatchObject(denied)
    await session.put([request('1')], soon())
    expect(await watch.next()).toMatchObject({ records: [{ key: 'orders/1' }] })
    await driver.probe(soon())
    await session.close(soon())
    await driver[Symbol.asyncDispose]()
  })

  test('S2: refused credentials are reported, and never shown', async () => {
    await using cluster = await launch(etcd)
    const endpoint = clientOf(cluster.servers[0])
    await secure(endpoint)
    const wrong = connect([endpoint], { username: 'app', password: 'hunter2-wrong' })
    const error: unknown = await wrong.list(orders, soon()).catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code: 'permission-denied' })
    for (const shown of [error, wrong])
      expect(inspect(shown, { depth: 20, showHidden: true })).not.toContain('hunter2')
    const none = connect([endpoint])
    await expect(none.list(orders, soon())).rejects.toMatchObject({ code: 'permission-denied' })
    const health = async (password: string): Promise<string> => {
      await using registry = new Registry(connect([endpoint], { username: 'app', password }))
      await registry.ping({ service: 'orders' }).catch(() => {})
      return registry.health().state
    }
    expect(await health('hunter2-wrong')).toBe('refused')
    expect(await health(credentials.password)).toBe('ok')
    await wrong[Symbol.asyncDispose]()
    await none[Symbol.asyncDispose]()
  })

  test('an expired token, or one that a restart invalidated, ends no session and no watch', async () => {
    await using cluster = await launch(etcd, { args: ['--auth-token-ttl=2'] })
    const [server] = cluster.servers
    await secure(clientOf(server))
    const driver = connect([clientOf(server)], credentials)
    const session = await driver.openSession({ ttlMs: 60_000 }, soon())
    await using watch = observing(driver)
    await watch.any()
    await session.renew(soon())
    await new Promise((resolve) => setTimeout(resolve, 4000))
    // a new watch on the old stream: unavailable at most once
    const attach = async (): Promise<void> => {
      const codes: string[] = []
      do {
        await using other = observing(driver)
        codes.push(await codeOf(other.any()))
      } while (codes.at(-1) === 'unavailable' && codes.length < 3)
      expect(codes.at(-1)).toBe('none')
    }
    await attach()
    await session.renew(soon())
    await session.put([request('1')], soon())
    expect(await watch.next()).toMatchObject({ records: [{ key: 'orders/1' }] })
    const broken = codeOf(watch.next())
    await server?.restart('kill')
    expect(await broken).toBe('unavailable')
    await attach()
    await session.renew(soon()).catch(() => session.renew(soon()))
    expect(await session.put([request('2')], soon())).toMatchObject([{ result: 'written' }])
    expect(await idsOf(driver)).toEqual(['1', '2'])
    await session.close(soon())
    await driver[Symbol.asyncDispose]()
  })

  test('the driver logs in when authentication is turned on later', async () => {
    await using cluster = await launch(etcd)
    const endpoint = clientOf(cluster.servers[0])
    const driver = connect([endpoint], credentials)
    expect(await idsOf(driver)).toEqual([])
    await secure(endpoint)
    expect(await idsOf(driver)).toEqual([])
    await driver[Symbol.asyncDispose]()
  })
})

describe.runIf(controllable)('S1: TLS', () => {
  test('with an own authority and client certificates', async () => {
    const { ca, server, client } = await createCertificates()
    await using cluster = await launch(etcd, { tls: { ...server, ca, clientCertAuth: true } })
    const endpoints = cluster.servers.map(clientOf)
    const driver = connect(endpoints, { tls: { ca, ...client } })
    const session = await driver.openSession({ ttlMs: 10_000 }, soon())
    await using watch = observing(driver)
    await watch.any()
    await session.put([request('1')], soon())
    await session.renew(soon())
    expect(await watch.next()).toMatchObject({ records: [{ key: 'orders/1' }] })
    await session.close(soon())
    await driver[Symbol.asyncDispose]()
    for (const [tls, codes] of [
      // the server may end the connection before its alert was read
      [{ ca }, ['permission-denied', 'unavailable']],
      [client, ['invalid-config']],
    ] as const) {
      const stranger = connect(endpoints, { tls })
      expect(codes).toContain(await codeOf(stranger.list(orders, soon())))
      await stranger[Symbol.asyncDispose]()
    }
    const plain = connect(endpoints)
    await expect(plain.list(orders, soon())).rejects.toMatchObject({ code: 'unavailable' })
    await plain[Symbol.asyncDispose]()
  })

  test('S3, R8: a certificate that is not accepted is reported at the first attempt', async () => {
    const [{ ca, server, client }, stranger, late] = await Promise.all([
      createCertificates(),
      createCertificates(),
      createCertificates('root', { expired: true }),
    ])
    await using cluster = await launch(etcd, { tls: { ...server, ca, clientCertAuth: true } })
    await using expired = await launch(etcd, { tls: late.server })
    await using world = new RegistryWorld()
    for (const [at, tls, code, reason] of [
      [cluster, { ca: stranger.ca, ...client }, 'invalid-config', /tls\.ca is the authority/],
      [cluster, { ca }, 'permission-denied', /check tls\.cert and tls\.key/],
      [cluster, { ca, ...stranger.client }, 'permission-denied', /check tls\.cert and tls\.key/],
      [expired, { ca: late.ca }, 'invalid-config', /has expired/],
    ] as const) {
      const registry = world.secure(at.servers.map(clientOf), tls)
      const error: unknown = await registry.register(instance('a')).catch((thrown) => thrown)
      expect(error).toMatchObject({ code, message: expect.stringMatching(reason) })
      if (code === 'permission-denied') continue
      await expect(registry.list('orders')).rejects.toMatchObject({ code })
      await expect(registry.watch('orders').next()).rejects.toMatchObject({ code })
    }
  })

  test('R5: a server certificate that is not accepted for a while ends no registration and no watch', async () => {
    const [good, other] = await Promise.all([createCertificates(), createCertificates()])
    await using cluster = await launch(etcd, { tls: good.server })
    await using replaced = await launch(etcd, { tls: other.server })
    await using proxy = await TcpProxy.to(clientOf(cluster.servers[0]))
    await using world = new RegistryWorld()
    const registry = world.secure([proxy.endpoint], { ca: good.ca })
    const registration = await registry.register(instance('a'))
    const told = world.follow(registry)
    await told.sees(['a'], slackMs)
    proxy.target = clientOf(replaced.servers[0])
    proxy.reset()
    await until('it is reported', () => {
      const { cause } = registration.status
      return cause?.code === 'invalid-config' && told.watcher.stale?.cause.code === 'invalid-config'
    })
    expect(registry.health().ok).toBe(false)
    proxy.target = clientOf(cluster.servers[0])
    await until('it is registered again', () => registration.status.state === 'registered')
    await until('the watch is fresh', () => told.watcher.stale === undefined)
    await told.sees(['a'], slackMs)
  })
})
