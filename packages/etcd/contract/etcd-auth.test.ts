import type { Registry } from '@sd/core'
import { eventually } from '@sd/contract-tests'
import { ids, instance, lists, pass } from '@sd/contract-tests/world'
import type { Server } from '@sd/contract-tests/servers'
import { etcd, launch, provisionFor } from '@sd/test-servers'
import { Etcd3 } from 'etcd3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { capMs, clientOf, RegistryWorld, slackMs, ttlMs } from './registry-world.ts'
import { admin } from './support.ts'

const controllable = (await provisionFor('etcd')).how !== 'endpoint'
const credentials = { username: 'app', password: 'hunter2-app' }
const root = { username: 'root', password: 'hunter2-root' }
const tokenTtlMs = 2_000

/** A client of the administrator, for use after authentication is on. */
const adminOf = (endpoint: string): Etcd3 & Disposable => {
  const client = new Etcd3({ hosts: `http://${endpoint}`, auth: root })
  return Object.assign(client, { [Symbol.dispose]: () => client.close() })
}

/** In etcd 3.6.9 and 3.7.3 `LeaseRenew` asks `checkLeaseRenew`; Debian's 3.4 and 3.5 do not. */
const heartbeatsNeedPermission = (version: string): boolean => {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > 3 || (major === 3 && minor >= 6)
}

const stateOf = (registry: Registry, service: string): string =>
  registry.health().registrations.find((item) => item.service === service)?.status.state ?? 'none'

describe.runIf(controllable)('S1: a registry that logs in', () => {
  let cluster: Awaited<ReturnType<typeof launch>>
  let server: Server
  let endpoint: string

  beforeAll(async () => {
    cluster = await launch(etcd, {
      args: ['--auth-token=simple', `--auth-token-ttl=${tokenTtlMs / 1000}`],
    })
    server = cluster.servers[0] as Server
    endpoint = clientOf(server)
    using etcdItself = admin(endpoint)
    await etcdItself.user('root').create(root.password)
    await etcdItself.role('root').create()
    await etcdItself.user('root').addRole('root')
    await etcdItself.role('app').create()
    await etcdItself.user('app').create(credentials.password)
    await etcdItself.user('app').addRole('app')
    await etcdItself.auth.authEnable()
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  /** Permits `app` only this service in `namespace`. */
  const permission = async (
    how: 'grant' | 'revoke',
    namespace: string,
    service: string,
  ): Promise<void> => {
    using etcdItself = adminOf(endpoint)
    const range = etcdItself.range({ prefix: `${namespace}/${service}` })
    await etcdItself.role('app')[how]({ permission: 'Readwrite', range })
  }

  const worldWith = async (...services: readonly string[]): Promise<RegistryWorld> => {
    const world = new RegistryWorld()
    for (const service of services) await permission('grant', world.namespace, service)
    return world
  }

  test('keeps registration and watch when its token expires and when the server restarts', async () => {
    await using world = await worldWith('orders')
    const owner = world.registry([endpoint], {}, credentials)
    const watching = world.registry([endpoint], {}, credentials)
    const registration = await owner.register(instance('a'))
    await owner.register(instance('b'))
    const told = world.follow(watching)
    await told.sees(['a', 'b'], slackMs)
    await pass(tokenTtlMs * 2)
    await registration.update({ weight: 1 })
    await told.until('an update', slackMs, ({ view }) => view.get('a')?.weight === 1)
    for (const weight of [2, 3]) {
      await server.restart('kill')
      await registration.update({ weight })
      await told.until(
        'an update after a restart',
        ttlMs + capMs + slackMs,
        ({ view }) => view.get('a')?.weight === weight,
      )
      await eventually('every registry is healthy', capMs + slackMs, () => owner.health().ok)
    }
    await owner.register(instance('c'))
    await told.sees(['a', 'b', 'c'], slackMs)
    await pass(ttlMs + tokenTtlMs)
    expect(told.removed.size).toBe(0)
    await lists(watching, ['a', 'b', 'c'], slackMs)
  })

  test('R10: a forbidden instance affects none of the other 124 in its batch', async () => {
    await using world = await worldWith('orders')
    const owner = world.registry([endpoint], {}, credentials)
    const watching = world.registry([endpoint], {}, credentials)
    const told = world.follow(watching)
    const names = ids('i', 124)
    const results = await Promise.allSettled(
      [
        ...names.slice(0, 60).map((id) => instance(id)),
        instance('x', { service: 'secret' }),
        ...names.slice(60).map((id) => instance(id)),
      ].map((item) => owner.register(item)),
    )
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(124)
    expect(results[60]).toMatchObject({
      status: 'rejected',
      reason: { code: 'permission-denied', retryable: false, service: 'secret' },
    })
    await told.sees(names, slackMs)
    await pass(ttlMs * 1.5)
    expect(told.removed.size).toBe(0)
    expect(owner.health().ok).toBe(true)
    expect(owner.health().registrations).toHaveLength(124)
  })

  test('a watch of a forbidden service rejects, and the others continue', async () => {
    await using world = await worldWith('orders')
    const registry = world.registry([endpoint], {}, credentials)
    const told = world.follow(registry)
    await told.sees([], slackMs)
    const denied = { code: 'permission-denied', service: 'secret' }
    await expect(registry.watch('secret').next()).rejects.toMatchObject(denied)
    await expect(registry.list('secret')).rejects.toMatchObject(denied)
    await expect(registry.watchAll().next()).rejects.toMatchObject({ code: 'permission-denied' })
    const registration = await registry.register(instance('a'))
    await told.sees(['a'], slackMs)
    await expect(registry.watch('secret').next()).rejects.toMatchObject(denied)
    await registration.update({ weight: 5 })
    await told.until('an update', slackMs, ({ view }) => view.get('a')?.weight === 5)
    expect(registry.health()).toMatchObject({ ok: true, watches: [{ service: 'orders' }] })
  })

  test('R5: a revoked permission is shown and retried, and the registration returns with the permission', async () => {
    await using world = await worldWith('orders', 'users')
    const owner = world.registry([endpoint], {}, credentials)
    const watching = world.registry([endpoint], {}, { ...root })
    const registration = await owner.register(instance('a'))
    await owner.register(instance('u', { service: 'users' }))
    const told = world.follow(watching)
    const users = world.follow(watching, 'users')
    await told.sees(['a'], slackMs)
    await users.sees(['u'], slackMs)
    await permission('revoke', world.namespace, 'orders')
    const updated = registration.update({ weight: 9 })
    await eventually(
      'it recovers',
      ttlMs + slackMs,
      () => registration.status.state === 'recovering',
      () => registration.status,
    )
    expect(registration.status.cause).toMatchObject({ code: 'permission-denied' })
    await pass(capMs * 2)
    expect(registration.status.state).toBe('recovering')
    expect(stateOf(owner, 'users')).toBe('registered')
    await permission('grant', world.namespace, 'orders')
    await updated
    await eventually(
      'it is registered',
      capMs + slackMs,
      () => registration.status.state === 'registered',
    )
    await told.until('the update', slackMs, ({ view }) => view.get('a')?.weight === 9)
    // its lease was kept alive, except where a heartbeat needs permission for every key of the
    // lease
    const mayLeave = heartbeatsNeedPermission(server.version) ? 2 : 0
    expect(told.removed.size + users.removed.size).toBeLessThanOrEqual(mayLeave)
  })

  test('R5: a revoked permission, and a record that is removed before it is granted again', async () => {
    await using world = await worldWith('orders')
    const owner = world.registry([endpoint], {}, credentials)
    const watching = world.registry([endpoint], {}, credentials)
    const registration = await owner.register(instance('a'))
    const told = world.follow(watching)
    await told.sees(['a'], slackMs)
    await permission('revoke', world.namespace, 'orders')
    {
      using etcdItself = adminOf(endpoint)
      await etcdItself.delete().key(`${world.namespace}/orders/a`)
      await etcdItself.leaseClient.leaseRevoke({ ID: owner.health().session.id ?? '' })
    }
    await eventually(
      'it is denied',
      ttlMs * 2 + slackMs,
      () => registration.status.cause?.code === 'permission-denied',
      () => registration.status,
    )
    expect(registration.status.state).toBe('recovering')
    await permission('grant', world.namespace, 'orders')
    await lists(watching, ['a'], capMs + 1_000 + slackMs)
    await told.sees(['a'], capMs + slackMs)
    await eventually(
      'every registry is healthy',
      capMs + slackMs,
      () => watching.health().ok && owner.health().ok,
    )
  })
})
