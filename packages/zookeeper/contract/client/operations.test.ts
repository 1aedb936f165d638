import { codeOf } from '@sd/contract-tests/world'
import { provisionFor } from '@sd/test-servers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { MultiOperation } from '../../src/client/zookeeper-client.ts'
import { ZooKeeperError } from '../../src/client/zookeeper-error.ts'
import { bytes, hostOf, type Opened, open, soon, text } from './support.ts'
import { launchZooKeeper } from '../test-tls.ts'

const controllable = (await provisionFor('zookeeper')).how !== 'endpoint'

describe.runIf(controllable)('operations', () => {
  let cluster: Awaited<ReturnType<typeof launchZooKeeper>>
  let opened: Opened
  let other: Opened

  beforeAll(async () => {
    cluster = await launchZooKeeper()
    const hosts = cluster.servers.map(hostOf)
    ;[opened, other] = await Promise.all([open(hosts), open(hosts)])
  })
  afterAll(async () => {
    await opened?.[Symbol.asyncDispose]()
    await other?.[Symbol.asyncDispose]()
    await cluster?.[Symbol.asyncDispose]()
  })

  test('create, get, set, children, exists and delete, with their metadata', async () => {
    const { client } = opened
    await client.create('/a', bytes('one'), 'persistent', soon())
    await client.create('/a/b', new Uint8Array(), 'ephemeral', soon())
    const first = await client.get('/a', soon())
    expect(text(first.data)).toBe('one')
    expect(first.stat).toMatchObject({ version: 0, childrenVersion: 1, childCount: 1 })
    expect(first.stat.ephemeralOwner).toBe('')
    expect(first.stat.childrenZxid).toBeGreaterThan(first.stat.createdZxid)
    expect(await client.set('/a', bytes('two'), 0, soon())).toMatchObject({ version: 1 })
    const { names, stat } = await client.children('/a', soon())
    expect(names).toEqual(['b'])
    expect(stat.modifiedZxid).toBeGreaterThan(first.stat.modifiedZxid)
    const owned = await other.client.get('/a/b', soon())
    expect(owned.data).toHaveLength(0)
    expect(owned.stat.ephemeralOwner).toBe(client.sessionId)
    expect(client.sessionId).toMatch(/^0x[0-9a-f]{8,16}$/)
    await client.delete('/a/b', 0, soon())
    expect(await client.exists('/a/b', soon())).toBeUndefined()
    expect(await client.exists('/a', soon())).toMatchObject({ childCount: 0 })
    expect(await client.children('/a', soon())).toMatchObject({ names: [] })
  })

  test('a refusal has the name of its code, its path and the call', async () => {
    const { client } = opened
    await client.create('/refusals', bytes('x'), 'persistent', soon())
    await client.create('/refusals/eph', bytes('x'), 'ephemeral', soon())
    const create = (path: string) => client.create(path, bytes('x'), 'persistent', soon())
    expect(await codeOf(create('/refusals'))).toBe('NODE_EXISTS')
    expect(await codeOf(create('/nowhere/x'))).toBe('NO_NODE')
    expect(await codeOf(create('/refusals/eph/x'))).toBe('NO_CHILDREN_FOR_EPHEMERALS')
    expect(await codeOf(create('no-slash'))).toBe('BAD_ARGUMENTS')
    expect(await codeOf(client.get('/nowhere', soon()))).toBe('NO_NODE')
    expect(await codeOf(client.children('/nowhere', soon()))).toBe('NO_NODE')
    expect(await codeOf(client.delete('/refusals', -1, soon()))).toBe('NOT_EMPTY')
    const refusal = await client.set('/refusals', bytes('y'), 5, soon()).catch((e: unknown) => e)
    expect(refusal).toBeInstanceOf(ZooKeeperError)
    expect(refusal).toMatchObject({
      code: 'BAD_VERSION',
      path: '/refusals',
      operation: 'set',
      message: 'set /refusals: BAD_VERSION',
    })
  })

  test('version 0 is compared, not treated as any version', async () => {
    const { client } = opened
    await client.create('/zero', bytes('x'), 'persistent', soon())
    await client.set('/zero', bytes('y'), 0, soon())
    expect(await codeOf(client.set('/zero', bytes('z'), 0, soon()))).toBe('BAD_VERSION')
    expect(await codeOf(client.delete('/zero', 0, soon()))).toBe('BAD_VERSION')
    const stale: readonly MultiOperation[] = [
      { type: 'check', path: '/zero', version: 0 },
      { type: 'set', path: '/zero', data: bytes('z'), version: 0 },
      { type: 'delete', path: '/zero', version: 0 },
    ]
    for (const operation of stale)
      expect(await codeOf(client.multi([operation], soon()))).toBe('BAD_VERSION')
    await client.multi([{ type: 'check', path: '/zero', version: 1 }], soon())
    expect(text((await client.get('/zero', soon())).data)).toBe('y')
    await client.multi([{ type: 'delete', path: '/zero', version: -1 }], soon())
  })

  test('a multi is all or nothing, and reports the operation that failed', async () => {
    const { client } = opened
    const create = (path: string, kind: 'persistent' | 'ephemeral' = 'persistent') =>
      ({ type: 'create', path, data: bytes('m'), kind }) as const
    await client.multi([create('/m'), create('/m/a', 'ephemeral'), create('/m/b')], soon())
    expect((await client.get('/m/a', soon())).stat.ephemeralOwner).toBe(client.sessionId)
    const failing = [
      create('/m/c'),
      { type: 'check', path: '/m/b', version: 0 } as const,
      create('/m/a'),
      create('/m/d'),
    ]
    const refusal = await client.multi(failing, soon()).catch((error: unknown) => error)
    expect(refusal).toMatchObject({ code: 'NODE_EXISTS', failedAt: 2, path: '/m/a' })
    expect((await client.children('/m', soon())).names.toSorted()).toEqual(['a', 'b'])
    await client.multi([], soon())
  })

  test('a request that is too large is refused by the client; the largest allowed one succeeds', async () => {
    const { client, states } = opened
    const limit = 1_000_000
    const overhead = 4 + '/large'.length + 4 + 4
    await client.create('/large', bytes(''), 'persistent', soon())
    const set = (size: number) => client.set('/large', new Uint8Array(size), -1, soon())
    expect(await codeOf(set(limit - overhead + 1))).toBe('TOO_LARGE')
    await set(limit - overhead)
    expect((await client.get('/large', soon())).data).toHaveLength(limit - overhead)
    const part = {
      type: 'set',
      path: '/large',
      data: new Uint8Array(400_000),
      version: -1,
    } as const
    expect(await codeOf(client.multi([part, part, part], soon()))).toBe('TOO_LARGE')
    await client.multi([part, part], soon())
    expect(states).toEqual([])
  })

  test('wrong arguments reject, and do not affect the connection', async () => {
    const { client, states } = opened
    await client.create('/wrong', bytes('x'), 'persistent', soon())
    const calls = [
      () => client.set('/wrong', null as never, -1, soon()),
      () => client.create('/wrong/x', undefined as never, 'persistent', soon()),
      () => client.set('/wrong', bytes('x'), 2 ** 31, soon()),
      () => client.delete('/wrong', Number.NaN, soon()),
      () => client.multi([{ type: 'check', path: '/wrong', version: 0.5 }], soon()),
      () => client.multi([null as never], soon()),
    ]
    for (const call of calls) expect(await codeOf(call())).toBe('BAD_ARGUMENTS')
    expect(await client.exists('/wrong', soon())).toMatchObject({ version: 0 })
    expect(states).toEqual([])
  })

  test('an aborted call settles at once with the reason, and affects no other', async () => {
    const { client } = opened
    const reason = new Error('enough')
    expect(await codeOf(client.get('/zookeeper', AbortSignal.abort(reason)))).toBe('Error: enough')
    const abort = new AbortController()
    const aborted = Array.from({ length: 500 }, () => client.get('/zookeeper', abort.signal))
    const kept = Array.from({ length: 500 }, () => client.get('/zookeeper', soon()))
    abort.abort(reason)
    for (const { status, ...rest } of await Promise.allSettled(aborted))
      expect({ status, ...rest }).toEqual({ status: 'rejected', reason })
    expect(await Promise.all(kept)).toHaveLength(500)
  })

  test('a heartbeat overtakes thousands of waiting reads', async () => {
    const { client } = opened
    await client.create('/backlog', new Uint8Array(10_000), 'persistent', soon())
    let read = 0
    const reads = Array.from({ length: 5_000 }, async () => {
      await client.get('/backlog', soon(60_000))
      read++
    })
    const sent = performance.now()
    await client.exists('/', soon())
    await client.set('/backlog', bytes('x'), 0, soon())
    const [heartbeatMs, before] = [performance.now() - sent, read]
    await Promise.all(reads)
    // the reads that were already sent, and some that were sent between the two
    expect(before).toBeLessThan(400)
    expect(heartbeatMs).toBeLessThan((performance.now() - sent) / 2)
  })

  test('a large number of calls are all answered', async () => {
    const { client } = opened
    const create = (index: number) =>
      client.create(`/many-${index}`, bytes('x'), 'ephemeral', soon(60_000))
    await Promise.all(Array.from({ length: 5_000 }, (_, index) => create(index)))
    const stats = await Promise.all(
      Array.from({ length: 5_000 }, (_, index) => client.exists(`/many-${index}`, soon(60_000))),
    )
    expect(stats.every((stat) => stat?.ephemeralOwner === client.sessionId)).toBe(true)
  })
})
