import { once } from 'node:events'
import { createServer, connect as connectTcp } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { createDriverContext } from '@sd/core/driver'
import { codeOf, idsOf, observing, orders, ref, request, soon } from '@sd/contract-tests/world'
import { type Cluster, createCertificates } from '@sd/contract-tests/servers'
import { provisionFor } from '@sd/test-servers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { consul } from '../src/index.ts'
import {
  createToken,
  fullRules,
  httpsOf,
  launchWithAcls,
  launchWithTls,
  managementToken,
} from './secure-servers.ts'
import { Admin, connect, httpOf } from './support.ts'

const controllable = (await provisionFor('consul')).how !== 'endpoint'

describe.runIf(controllable)('S1: tokens', () => {
  let cluster: Cluster
  let host: string
  beforeAll(async () => {
    cluster = await launchWithAcls()
    host = httpOf(cluster.servers[0])
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  test('one with the documented policy registers, discovers and watches', async () => {
    const token = await createToken(host, 'full', fullRules)
    await using driver = connect(host, { token })
    const session = await driver.openSession({ ttlMs: 10_000 }, soon())
    await using watch = observing(driver)
    expect((await watch.next()).type).toBe('snapshot')
    expect(await session.put([request('1')], soon())).toMatchObject([{ result: 'written' }])
    await session.renew(soon())
    expect((await watch.next()).type).toBe('changes')
    expect(await idsOf(driver, { all: true })).toEqual(['1'])
    await session.close(soon())
  })

  test('one that may not read gets an error, not an empty service', async () => {
    const blind = await createToken(host, 'blind', 'key_prefix "" { policy = "read" }')
    const other = await createToken(
      host,
      'other',
      'service "users" { policy = "read" } node_prefix "" { policy = "read" }',
    )
    const nodeless = await createToken(host, 'nodeless', 'service_prefix "" { policy = "read" }')
    for (const token of [
      blind,
      other,
      nodeless,
      undefined,
      'ffffffff-0000-0000-0000-000000000000',
    ]) {
      await using driver = connect(host, token === undefined ? {} : { token })
      expect(await codeOf(driver.list(orders, soon()))).toBe('permission-denied')
      expect(await codeOf(observing(driver).any())).toBe('permission-denied')
    }
    await using allowed = connect(host, { token: other })
    expect(await idsOf(allowed, { service: 'users' })).toEqual([])
  })

  test('one that may write but not read nodes gets an error, before it writes anything', async () => {
    const token = await createToken(host, 'wordy', 'service_prefix "" { policy = "write" }')
    await using driver = connect(host, { token })
    expect(await codeOf(driver.openSession({ ttlMs: 10_000 }, soon()))).toBe('permission-denied')
  })

  test('R10: one that loses its permission on one service: the checks of the others still pass', async () => {
    const rules = (...services: string[]): string =>
      [...services, 'shop']
        .map((name) => `service "${name}" { policy = "write" } `)
        .join('')
        .concat('service_prefix "" { policy = "read" } node_prefix "" { policy = "read" }')
    const token = await createToken(host, 'losing', rules('users'))
    await using driver = connect(host, { token })
    const session = await driver.openSession({ ttlMs: 2000 }, soon())
    const put = (service: string, count: number) =>
      session.put(
        Array.from({ length: count }, (_, index) => request(`${index}`, {}, { service })),
        soon(),
      )
    // the failing checks outnumber one batch, and are the oldest
    await put('users', 9)
    await put('shop', 10)
    const admin = new Admin(host, managementToken)
    const policies = await admin.get<{ ID: string; Name: string }[]>('acl/policies')
    const { ID = '', Name = '' } = policies.find((policy) => policy.Name === 'losing') ?? {}
    await admin.put(`acl/policy/${ID}`, { ID, Name, Rules: rules() })
    const began = performance.now()
    while (performance.now() - began < 4000) {
      await new Promise((resolve) => setTimeout(resolve, 100))
      expect(await codeOf(session.renew(soon()))).toBe('none')
    }
    expect(await idsOf(driver, { service: 'shop' })).toHaveLength(10)
    // core then puts it again, and reports why that fails
    expect(
      await session.audit([ref('0', 'a', 'users'), ref('0', 'a', 'shop')], soon()),
    ).toMatchObject([{ state: 'missing' }, { state: 'ours' }])
    expect(await codeOf(session.close(soon()))).toBe('permission-denied')
    expect(await idsOf(driver, { service: 'shop' })).toEqual([])
    await admin.put(`acl/policy/${ID}`, { ID, Name, Rules: rules('users') })
    await session.close(soon())
    expect(await idsOf(driver, { service: 'users' })).toEqual([])
  })

  test('one that may write only one service: a second service is refused, and the first is not affected', async () => {
    const token = await createToken(
      host,
      'narrow',
      'service "orders" { policy = "write" } service_prefix "" { policy = "read" } node_prefix "" { policy = "read" }',
    )
    await using driver = connect(host, { token })
    const session = await driver.openSession({ ttlMs: 10_000 }, soon())
    const outcomes = await session.put(
      [request('1'), request('1', {}, { service: 'users' })],
      soon(),
    )
    expect(outcomes).toMatchObject([
      { result: 'written' },
      { result: 'error', error: { code: 'permission-denied', retryable: false } },
    ])
    await session.close(soon())
  })

  test('S2: no token is shown', async () => {
    const driver = connect(host, { token: managementToken })
    const refused = connect(host, { token: 'ffffffff-1111-0000-0000-000000000000' })
    await driver.list(orders, soon())
    const error: unknown = await refused.list(orders, soon()).catch((thrown: unknown) => thrown)
    const shown = inspect([driver, refused, error], { depth: 20, showHidden: true })
    expect(shown).not.toContain(managementToken)
    expect(shown).not.toContain('ffffffff-1111')
    await driver[Symbol.asyncDispose]()
    await refused[Symbol.asyncDispose]()
  })
})

describe.runIf(controllable)('S1: TLS, sockets and datacenters', () => {
  test('with its own authority and client certificates; a plain or unknown client is refused', async () => {
    const certificates = await createCertificates()
    const { ca, client } = certificates
    await using cluster = await launchWithTls(certificates)
    const endpoint = `https://${httpsOf(cluster)}`
    const host = httpOf(cluster.servers[0])
    {
      await using driver = consul({ endpoint, tls: { ca, ...client } })(createDriverContext())
      const session = await driver.openSession({ ttlMs: 10_000 }, soon())
      await using watch = observing(driver)
      await watch.any()
      await session.put([request('1')], soon())
      expect((await watch.next()).type).toBe('changes')
      await session.close(soon())
    }
    for (const [tls, codes] of [
      // the agent may end the connection before its alert was read
      [{ ca }, ['permission-denied', 'unavailable']],
      [client, ['invalid-config']],
    ] as const) {
      await using stranger = consul({ endpoint, tls })(createDriverContext())
      expect(codes).toContain(await codeOf(stranger.list(orders, soon())))
    }

    // an agent's socket is a file; here it is one that forwards to its port
    const path = join(tmpdir(), `sd-consul-${process.pid}.sock`)
    const [name = '', port = '0'] = host.split(':')
    const gate = createServer((socket) => {
      const agent = connectTcp(Number(port), name)
      for (const end of [socket, agent]) end.on('error', () => {})
      socket.pipe(agent).pipe(socket)
    }).listen(path)
    await once(gate, 'listening')
    {
      await using driver = consul({ endpoint: `unix://${path}` })(createDriverContext())
      const session = await driver.openSession({ ttlMs: 10_000 }, soon())
      await session.put([request('1')], soon())
      expect(await idsOf(driver)).toEqual(['1'])
      await session.close(soon())
    }
    gate.close()
    await using missing = consul({ endpoint: `unix://${path}.gone` })(createDriverContext())
    expect(await codeOf(missing.list(orders, soon()))).toBe('unavailable')

    await using here = connect(host, { datacenter: 'dc1', consistency: 'stale' })
    expect(await idsOf(here)).toEqual([])
    expect(here.capabilities.list).toBe('session')
    await using nowhere = connect(host, { datacenter: 'nowhere', consistency: 'consistent' })
    expect(await codeOf(nowhere.list(orders, soon()))).toBe('unavailable')
  })
})
