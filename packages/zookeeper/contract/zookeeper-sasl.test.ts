import { inspect } from 'node:util'
import { codeOf, idsOf, observing, orders, ref, request, soon } from '@sd/contract-tests/world'
import { TcpProxy } from '@sd/contract-tests/servers'
import { provisionFor, until } from '@sd/test-servers'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { clientOf, connect, withSettings } from './support.ts'
import { launchZooKeeper } from './test-tls.ts'

const controllable = (await provisionFor('zookeeper')).how !== 'endpoint'

/** Of the passwords one is hashed in ISO 8859-1, the other in UTF-8. */
const users = { app: 'hunter2-ä, =:', other: 'hunter3-€' }
const app = { username: 'app', password: users.app, auth: 'sasl' } as const
const other = { username: 'other', password: users.other, auth: 'sasl' } as const

/** DIGEST-MD5 is off in FIPS mode, the default of 3.9. */
const lines = [
  'authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider',
  'sessionRequireClientSASLAuth=true',
  'fips-mode=false',
]

describe.runIf(controllable)('S1: SASL DIGEST-MD5', () => {
  let cluster: Awaited<ReturnType<typeof launchZooKeeper>>
  let hosts: string[]
  let namespaces = 0
  let namespace: string

  beforeAll(async () => {
    cluster = await launchZooKeeper(withSettings({ lines, users }))
    hosts = cluster.servers.map(clientOf)
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())
  beforeEach(() => {
    namespace = `sasl-${namespaces++}`
  })

  test('others read by default the nodes of a user, and do not write them', async () => {
    await using owner = connect(hosts, { namespace, ...app })
    const session = await owner.openSession({ ttlMs: 8_000 }, soon())
    await session.put([request('1')], soon())
    await using stranger = connect(hosts, { namespace, ...other })
    const theirs = await stranger.openSession({ ttlMs: 8_000 }, soon())
    await using watch = observing(stranger)
    expect(await watch.next()).toMatchObject({ records: [{ key: 'orders/1' }] })
    for (const work of [
      () => theirs.put([request('2', { owner: 'b' })], soon()),
      () => theirs.remove([ref('1')], soon()),
    ])
      expect(await codeOf(work())).toBe('permission-denied')
    expect(await session.audit([ref('1')], soon())).toMatchObject([{ state: 'ours' }])
    await theirs.close(soon())
    await session.close(soon())
  })

  test('with worldReadable: false others may not read either', async () => {
    const config = { namespace, worldReadable: false }
    await using owner = connect(hosts, { ...config, ...app })
    const session = await owner.openSession({ ttlMs: 8_000 }, soon())
    await session.put([request('1')], soon())
    expect(await idsOf(owner)).toEqual(['1'])
    await using stranger = connect(hosts, { ...config, ...other })
    expect(await codeOf(stranger.list(orders, soon()))).toBe('permission-denied')
    await session.close(soon())
  })

  test('a wrong password and an unknown user are refused by name, at the first attempt', async () => {
    // ZOOKEEPER-4839: some take the password of the user that logged in last for one that is unknown
    for (const wrong of [
      { ...app, password: 'hunter4' },
      { ...app, username: 'nobody', password: 'hunter4' },
    ]) {
      await using proxy = await TcpProxy.to(hosts[0] ?? '')
      await using driver = connect([proxy.endpoint], wrong)
      for (const work of [
        () => driver.openSession({ ttlMs: 8_000 }, soon()),
        () => driver.list(orders, soon()),
      ]) {
        const accepted = proxy.accepted
        const failure: unknown = await work().catch((error: unknown) => error)
        expect(failure).toMatchObject({
          code: 'permission-denied',
          retryable: false,
          message: expect.stringMatching(/refused .*check username and password/) as string,
        })
        expect(inspect(failure, { depth: 20, showHidden: true })).not.toContain(wrong.password)
        expect(proxy.accepted).toBe(accepted + 1)
      }
    }
  })

  test('a client with another login is told what the server expects', async () => {
    for (const login of [{}, { username: 'app', password: users.app }]) {
      await using driver = connect(hosts, login)
      await expect(driver.list(orders, soon())).rejects.toMatchObject({
        code: 'permission-denied',
        message: expect.stringContaining("auth: 'sasl'") as string,
      })
    }
  })

  test('every reconnect logs in again', async () => {
    await using proxy = await TcpProxy.to(hosts[0] ?? '')
    await using driver = connect([proxy.endpoint], { namespace, ...app, worldReadable: false })
    const session = await driver.openSession({ ttlMs: 8_000 }, soon())
    await session.put([request('1')], soon())
    for (let round = 1; round <= 3; round++) {
      proxy.reset()
      await until('a write succeeds again', async () => {
        const code = await codeOf(session.put([request('1', { seq: round })], soon()))
        expect(['none', 'unavailable']).toContain(code)
        return code === 'none'
      })
    }
    expect(session.lost.aborted).toBe(false)
    await session.close(soon())
  })
})
