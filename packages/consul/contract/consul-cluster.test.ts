import { eventually } from '@sd/contract-tests'
import { idsOf, instance, lists, pass, ref, request, soon } from '@sd/contract-tests/world'
import type { Cluster, Server } from '@sd/contract-tests/servers'
import { consul, launch, provisionFor } from '@sd/test-servers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { capMs, RegistryWorld, slackMs, ttlMs } from './registry-world.ts'
import { Admin, connect, httpOf } from './support.ts'

const controllable = (await provisionFor('consul')).how !== 'endpoint'

describe.runIf(controllable)('three agents', () => {
  let cluster: Cluster
  let hosts: readonly string[]

  beforeAll(async () => {
    cluster = await launch(consul, { members: ['n1', 'n2', 'n3'] })
    hosts = cluster.servers.map(httpOf)
    await eventually('the members know each other', 20_000, async () =>
      (
        await Promise.all(
          hosts.map((host) => new Admin(host).get<unknown[]>('health/state/passing?stale')),
        )
      ).every((checks) => checks.length >= 3),
    )
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  const at = (index: number): string => hosts[index] ?? ''

  const leader = async (): Promise<Server> => {
    const address = await new Admin(at(0)).get<string>('status/leader')
    for (const server of cluster.servers) {
      const { Stats } = await new Admin(httpOf(server)).get<{
        Stats: { consul: { leader: string } }
      }>('agent/self')
      if (Stats.consul.leader === 'true') return server
    }
    throw new Error(`the cluster has no leader other than ${address}`)
  }

  test('R7: one id at two agents: readers show the higher claim, and the lower is superseded within a ttl', async () => {
    await using world = new RegistryWorld()
    const [first, second, watching] = hosts.map((host) => world.registry(host))
    const told = watching && world.told(watching)
    const by = (name: string) => instance('a', { metadata: { by: name } })
    const old = await first?.register(by('first'))
    await told?.sees(['a'], slackMs)
    const taken = await second?.register(by('second'))
    expect((await watching?.list('orders'))?.[0]?.metadata['by']).toBe('second')
    const began = performance.now()
    await eventually(
      'the older is superseded',
      ttlMs + slackMs,
      () => old?.status.state === 'superseded',
    )
    expect(performance.now() - began).toBeLessThan(ttlMs + slackMs)
    await eventually('one record is left', slackMs, async () => {
      await using driver = connect(at(2), { namespace: world.namespace })
      return (await driver.list({ service: 'orders' }, soon())).records.length === 1
    })
    await old?.deregister()
    expect(taken?.status.state).toBe('registered')
    expect(told?.removed).toEqual([])
    await expect(first?.register(by('first'), { onConflict: 'reject' })).rejects.toMatchObject({
      code: 'conflict',
    })
  })

  test('R7: reject at two agents at once: never both succeed, and no record of a loser is stored', async () => {
    await using one = connect(at(0), { namespace: 'free' })
    await using two = connect(at(1), { namespace: 'free' })
    const sessions = await Promise.all(
      [one, two].map((driver) => driver.openSession({ ttlMs: 60_000 }, soon())),
    )
    for (let round = 0; round < 15; round += 1) {
      const id = `r${round}`
      const outcomes = await Promise.all(
        sessions.map((session, index) =>
          session.put(
            [request(id, { owner: `o${index}`, claimedAtMs: index }, { mode: 'if-absent' })],
            soon(),
          ),
        ),
      )
      const written = outcomes.flat().filter(({ result }) => result === 'written').length
      expect(written).toBeLessThanOrEqual(1)
      expect((await idsOf(one)).filter((listed) => listed === id)).toHaveLength(written)
    }
    await Promise.all(sessions.map((session) => session.close(soon())))
  })

  test("a rival's record at another agent is never removed", async () => {
    await using one = connect(at(0), { namespace: 'apart' })
    await using two = connect(at(1), { namespace: 'apart' })
    const mine = await one.openSession({ ttlMs: 60_000 }, soon())
    const theirs = await two.openSession({ ttlMs: 60_000 }, soon())
    await mine.put([request('1')], soon())
    await theirs.put([request('1', { owner: 'b', claimedAtMs: 2 })], soon())
    expect(await mine.audit([ref('1')], soon())).toMatchObject([{ state: 'replaced' }])
    expect(await theirs.audit([ref('1', 'b')], soon())).toMatchObject([{ state: 'ours' }])
    expect(await mine.remove([ref('1')], soon())).toEqual([{ result: 'removed' }])
    expect(await mine.remove([ref('1')], soon())).toEqual([{ result: 'absent' }])
    expect(await idsOf(one)).toEqual(['1'])
    await Promise.all([mine, theirs].map((session) => session.close(soon())))
  })

  test('R4: the leader is killed: instances at other agents never blink, those at its agent return with it', async () => {
    await using world = new RegistryWorld()
    const killed = await leader()
    const [one = '', two = ''] = hosts.filter((host) => host !== httpOf(killed))
    const owner = world.registry(one)
    const doomed = world.registry(httpOf(killed))
    const told = world.told(world.registry(two))
    await owner.register(instance('here'))
    await doomed.register(instance('doomed'))
    await told.sees(['here', 'doomed'], slackMs)
    await killed.stop('kill')
    await lists(world.registry(two), ['here'], 30_000)
    const later = await owner.register(instance('later'))
    await told.sees(['here', 'later'], ttlMs + slackMs)
    expect(later.status.state).toBe('registered')
    await killed.start()
    await told.sees(['doomed', 'here', 'later'], 15_000)
    expect(told.removed).toEqual(['doomed'])
    await eventually(
      'every registry is healthy',
      15_000,
      () => owner.health().ok && doomed.health().ok,
    )
  })

  test('W4, R5: the majority is lost for more than a ttl: the remaining agent’s watch is stale, all return', async () => {
    await using world = new RegistryWorld()
    const survivor = world.registry(at(0))
    const told = world.told(survivor)
    // at least three, as loss protection ignores smaller views: a leader that is elected before it
    // has
    // contacted the remaining agent removes its node from the catalog for a moment
    const ids = ['a', 'b', 'c']
    await Promise.all(ids.map((id) => survivor.register(instance(id))))
    await told.sees(ids, slackMs)
    const lost = cluster.servers.slice(1)
    await Promise.all(lost.map((server) => server.stop('kill')))
    await eventually('it is stale', ttlMs * 3, () => told.watcher.stale !== undefined)
    await pass(ttlMs)
    expect(told.watcher.instances.map(({ id }) => id).toSorted()).toEqual(ids)
    await Promise.all(lost.map((server) => server.start()))
    await eventually('every registry is healthy', 20_000, () => survivor.health().ok)
    expect(told.removed).toEqual([])
  })

  test('R5: the whole cluster restarts with its data: all instances return', async () => {
    await using world = new RegistryWorld()
    const registries = hosts.map((host) => world.registry(host))
    const ids = await Promise.all(
      registries.map(async (registry, index) => {
        await registry.register(instance(`r${index}`))
        return `r${index}`
      }),
    )
    const told = registries.map((registry) => world.told(registry))
    for (const each of told) await each.sees(ids, slackMs)
    await cluster.stop('kill')
    await cluster.start()
    for (const registry of registries)
      expect(await lists(registry, ids, 20_000 + capMs)).toBeLessThan(20_000 + capMs)
    for (const each of told) await each.sees(ids, slackMs)
    await eventually('every registry is healthy', 10_000, () =>
      registries.every((registry) => registry.health().ok),
    )
  })
})
