import { eventually } from '@sd/contract-tests'
import { type Follower, ids, instance, lists, pass } from '@sd/contract-tests/world'
import type { Cluster, Server } from '@sd/contract-tests/servers'
import { etcd, launch, provisionFor } from '@sd/test-servers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  capMs,
  clientOf,
  firstEndpointFirst,
  graceMs,
  RegistryWorld,
  slackMs,
  ttlMs,
} from './registry-world.ts'
import { admin } from './support.ts'

const controllable = (await provisionFor('etcd')).how !== 'endpoint'

describe.runIf(controllable)('a cluster of three', () => {
  let cluster: Cluster
  let endpoints: readonly string[]

  beforeAll(async () => {
    cluster = await launch(etcd, { members: ['n1', 'n2', 'n3'] })
    endpoints = cluster.servers.map(clientOf)
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  const othersThan = (member: Server): string[] =>
    endpoints.filter((endpoint) => endpoint !== clientOf(member))

  const leader = async (): Promise<Server> => {
    for (const server of cluster.servers) {
      using etcdItself = admin(clientOf(server))
      const { leader: id, header } = await etcdItself.maintenance.status()
      if (id === header.member_id) return server
    }
    throw new Error('no member is the leader')
  }

  /** Registries at every member, each with instances and a watcher. */
  const everywhere = async (world: RegistryWorld) => {
    const registries = cluster.servers.map((server) =>
      world.registry([clientOf(server), ...othersThan(server)], { random: firstEndpointFirst() }),
    )
    const names = registries.flatMap((_, index) => ids(`r${index}-`, 3))
    await Promise.all(
      registries.flatMap((registry, index) =>
        ids(`r${index}-`, 3).map((id) => registry.register(instance(id))),
      ),
    )
    const told = registries.map((registry) => world.follow(registry))
    for (const each of told) await each.sees(names, slackMs)
    const wellAgain = async (deadlineMs: number): Promise<void> => {
      for (const registry of registries)
        await eventually(
          'every registry is healthy',
          deadlineMs,
          () => registry.health().ok,
          () => registry.health().registrations[0]?.status,
        )
      for (const each of told) await each.sees(names, slackMs)
    }
    return { registries, names, told, wellAgain }
  }

  const expectNobodyGone = (told: readonly Follower[]): void => {
    for (const { removed } of told) expect([...removed.keys()]).toEqual([])
  }

  test('R4, W3: a frozen member with owner and watch: no blink, and the watch moves to another member', async () => {
    for (const member of cluster.servers) {
      await using world = new RegistryWorld()
      const here = world.registry([clientOf(member), ...othersThan(member)], {
        random: firstEndpointFirst(),
      })
      const elsewhere = world.registry(othersThan(member))
      await here.register(instance('here'))
      await elsewhere.register(instance('elsewhere'))
      const watch = { here: world.follow(here), elsewhere: world.follow(elsewhere) }
      await watch.here.sees(['here', 'elsewhere'], slackMs)
      await watch.elsewhere.sees(['here', 'elsewhere'], slackMs)
      await member.pause()
      try {
        // the others need an election if it was the leader
        const registration = await elsewhere.register(instance('later'))
        await watch.elsewhere.sees(['here', 'elsewhere', 'later'], slackMs)
        await watch.here.sees(['here', 'elsewhere', 'later'], ttlMs + slackMs)
        await pass(ttlMs * 1.5)
        await registration.update({ weight: 5 })
        const updated = (told: Follower): boolean => told.view.get('later')?.weight === 5
        await watch.here.until('an update', slackMs, updated)
        await watch.elsewhere.until('an update', slackMs, updated)
        await lists(elsewhere, ['here', 'elsewhere', 'later'], slackMs)
        expect(here.health().session.state).toBe('live')
        expectNobodyGone([watch.here, watch.elsewhere])
      } finally {
        await member.resume()
      }
      // a leader that resumes may still revoke the leases that expired in its view, before it
      // learns
      // of the new leader (etcd-io/etcd#15247): then the owners come back by themselves
      await eventually('every registry is healthy', ttlMs * 2 + slackMs, () =>
        [here, elsewhere].every((registry) => registry.health().ok),
      )
      await lists(elsewhere, ['here', 'elsewhere', 'later'], ttlMs + slackMs)
      for (const each of [watch.here, watch.elsewhere])
        await each.sees(['here', 'elsewhere', 'later'], slackMs)
    }
  })

  test('R4: the leader is killed', async () => {
    await using world = new RegistryWorld()
    const { registries, names, told } = await everywhere(world)
    const killed = await leader()
    await killed.stop('kill')
    const [first] = registries
    await first?.register(instance('later'))
    for (const each of told) await each.sees([...names, 'later'], ttlMs + slackMs)
    await pass(ttlMs * 1.5)
    for (const registry of registries) await lists(registry, [...names, 'later'], slackMs)
    await killed.start()
    expectNobodyGone(told)
    await eventually('every registry is healthy', ttlMs + slackMs, () =>
      registries.every((registry) => registry.health().ok),
    )
  })

  test('R4: the quorum is lost for more than the ttl, and returns', async () => {
    await using world = new RegistryWorld()
    const { registries, names, told, wellAgain } = await everywhere(world)
    const lost = cluster.servers.slice(1)
    await Promise.all(lost.map((server) => server.stop('kill')))
    // the remaining member must not count as healthy
    await eventually('all are stale', ttlMs * 2, () =>
      told.every(({ watcher }) => watcher.stale !== undefined),
    )
    await pass(ttlMs * 1.5)
    for (const each of told) expect(each.watcher.instances).toHaveLength(names.length)
    await Promise.all(lost.map((server) => server.start()))
    await wellAgain(capMs + 1_000 + slackMs)
    await pass(ttlMs + graceMs)
    expectNobodyGone(told)
    for (const registry of registries) await lists(registry, names, slackMs)
  })

  test('R4, R5: the whole cluster restarts with its data after more than the ttl', async () => {
    await using world = new RegistryWorld()
    const { registries, names, told, wellAgain } = await everywhere(world)
    await cluster.stop('kill')
    await pass(ttlMs * 1.5)
    await cluster.start()
    await wellAgain(capMs + 1_000 + slackMs)
    await pass(ttlMs + graceMs)
    expectNobodyGone(told)
    for (const registry of registries) await lists(registry, names, slackMs)
  })

  test('R5, W4: the whole cluster is wiped: all instances return, and no watcher sees more than half removed', async () => {
    await using world = new RegistryWorld()
    const { registries, names, told, wellAgain } = await everywhere(world)
    await cluster.stop('kill')
    await cluster.wipe()
    await cluster.start()
    await lists(world.registry(endpoints), names, capMs + 1_000 + slackMs)
    await wellAgain(capMs + slackMs)
    await pass(ttlMs + graceMs)
    // a watcher that attaches after most owners have returned lets the other removals pass (W4)
    for (const { removed } of told) expect(removed.size).toBeLessThanOrEqual(names.length / 2)
    for (const each of told) await each.sees(names, slackMs)
    for (const registry of registries) await lists(registry, names, slackMs)
  })
})
