import { eventually } from '@sd/contract-tests'
import {
  codeOf,
  idsOf,
  instance,
  observing,
  orders,
  ref,
  request,
  soon,
} from '@sd/contract-tests/world'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { RegistryWorld, slackMs, ttlMs } from './registry-world.ts'
import { admin, connect } from './support.ts'
import { provideZooKeeper } from './test-tls.ts'

const servers = await provideZooKeeper()
const hosts = servers.endpoints
const credentials = { username: 'app', password: 'hunter2-app' }
const others = { username: 'app', password: 'hunter2-wrong' }

afterAll(() => servers[Symbol.asyncDispose]())

describe('S1: digest authentication', () => {
  let namespaces = 0
  let namespace: string
  beforeEach(() => {
    namespace = `auth-${process.pid}-${namespaces++}`
  })

  test('by default others may read the nodes of a user, and not write them', async () => {
    const owner = connect(hosts, { namespace, ...credentials })
    const session = await owner.openSession({ ttlMs: 8_000 }, soon())
    await session.put([request('1')], soon())
    for (const config of [{}, others]) {
      const stranger = connect(hosts, { namespace, ...config })
      const theirs = await stranger.openSession({ ttlMs: 8_000 }, soon())
      expect(await idsOf(stranger)).toEqual(['1'])
      await using watch = observing(stranger)
      expect(await watch.next()).toMatchObject({ records: [{ key: 'orders/1' }] })
      const denied = { code: 'permission-denied', retryable: false }
      for (const work of [
        () => theirs.put([request('2', { owner: 'b' })], soon()),
        () => theirs.put([request('1', { owner: 'b', claimedAtMs: 9 })], soon()),
        () => theirs.put([request('1', {}, { service: 'users' })], soon()),
        () => theirs.remove([ref('1')], soon()),
      ]) {
        await expect(work()).rejects.toMatchObject(denied)
        await expect(work()).rejects.toThrow(/check username and password/)
      }
      await theirs.close(soon())
      await stranger[Symbol.asyncDispose]()
    }
    expect(await session.audit([ref('1')], soon())).toMatchObject([{ state: 'ours' }])
    await session.close(soon())
    await owner[Symbol.asyncDispose]()
  })

  test('with worldReadable: false others may not read either: a list is denied, not empty', async () => {
    const config = { namespace, worldReadable: false }
    const owner = connect(hosts, { ...config, ...credentials })
    const session = await owner.openSession({ ttlMs: 8_000 }, soon())
    await session.put([request('1')], soon())
    expect(await idsOf(owner)).toEqual(['1'])
    for (const theirs of [{}, others]) {
      const stranger = connect(hosts, { ...config, ...theirs })
      for (const scope of [orders, { all: true }, { services: true }] as const) {
        expect(await codeOf(stranger.list(scope, soon()))).toBe('permission-denied')
        await using watch = observing(stranger, scope)
        expect(await codeOf(watch.next())).toBe('permission-denied')
      }
      // the registry is not down
      await stranger.probe(soon())
      await stranger[Symbol.asyncDispose]()
    }
    await session.close(soon())
    await owner[Symbol.asyncDispose]()
  })

  test('a server without SASL is named to a client that logs in by SASL', async () => {
    await using driver = connect(hosts, { namespace, ...credentials, auth: 'sasl' })
    await expect(driver.list(orders, soon())).rejects.toMatchObject({
      code: 'permission-denied',
      retryable: false,
      message: expect.stringMatching(/no login by SASL DIGEST-MD5: .*JAAS.*fips-mode/) as string,
    })
  })

  test('R10: a forbidden service affects none of the others in its batch', async () => {
    await using client = await admin(hosts[0] ?? '', credentials)
    await client.create(`/${namespace}`, new Uint8Array(), 'persistent', soon())
    await client.create(`/${namespace}/secret`, new Uint8Array(), 'persistent', soon())
    // the namespace belongs to the user: another user may create nothing in it
    await using world = new RegistryWorld()
    const owner = world.registry(hosts, {}, { namespace, ...credentials })
    await owner.register(instance('a'))
    const stranger = world.registry(hosts, {}, { namespace })
    await expect(stranger.register(instance('b'))).rejects.toMatchObject({
      code: 'permission-denied',
      service: 'orders',
    })
    expect((await stranger.list('orders')).map(({ id }) => id)).toEqual(['a'])
    expect(owner.health().ok).toBe(true)
  })

  test('R5: restores deleted records, as the same user', async () => {
    await using world = new RegistryWorld()
    const config = { namespace, ...credentials, worldReadable: false }
    const owner = world.registry(hosts, {}, config)
    const registration = await owner.register(instance('a'))
    const told = world.told(world.registry(hosts, {}, config))
    await told.sees(['a'], slackMs)
    await using client = await admin(hosts[0] ?? '', credentials)
    await client.delete(`/${namespace}/orders/a`, -1, soon())
    await eventually('the record is restored', ttlMs + slackMs, async () => {
      const stat = await client.exists(`/${namespace}/orders/a`, soon())
      return stat !== undefined
    })
    await registration.update({ weight: 3 })
    await told.until('the update', slackMs, ({ view }) => view.get('a')?.weight === 3)
    expect(registration.status.state).toBe('registered')
  })
})
