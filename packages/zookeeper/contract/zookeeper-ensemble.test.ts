import { eventually } from '@sd/contract-tests'
import {
  type Follower as Told,
  ids,
  idsOf,
  instance,
  lists,
  observing,
  pass,
  ref,
  request,
  soon,
} from '@sd/contract-tests/world'
import { type Cluster, type Server, StrangeHost, TcpProxy } from '@sd/contract-tests/servers'
import { provisionFor, zookeeper } from '@sd/test-servers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { capMs, firstHostFirst, graceMs, RegistryWorld, slackMs, ttlMs } from './registry-world.ts'
import { ask, clientOf, connect } from './support.ts'
import { launchZooKeeper } from './test-tls.ts'

const controllable = (await provisionFor('zookeeper')).how !== 'endpoint'
/** How long the other members may take to elect a leader: rounds of 3 s with these settings. */
const electionMs = 20_000

describe.runIf(controllable)('an ensemble of three', () => {
  let cluster: Cluster
  let hosts: readonly string[]

  beforeAll(async () => {
    cluster = await launchZooKeeper(zookeeper, { members: ['n1', 'n2', 'n3'] })
    hosts = cluster.servers.map(clientOf)
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  const from = (member: Server): string[] => [
    clientOf(member),
    ...hosts.filter((host) => host !== clientOf(member)),
  ]

  const roles = async (): Promise<{ leader: Server; followers: Server[] }> => {
    const followers: Server[] = []
    let leader: Server | undefined
    for (const server of cluster.servers)
      if ((await ask(clientOf(server), 'srvr')).includes('Mode: leader')) leader = server
      else followers.push(server)
    if (leader === undefined) throw new Error('no member is the leader')
    return { leader, followers }
  }

  /** Registries at every member, each with instances and a watcher. */
  const everywhere = async (world: RegistryWorld) => {
    const registries = cluster.servers.map((server) =>
      world.registry(from(server), { random: firstHostFirst() }),
    )
    const names = registries.flatMap((_, index) => ids(`r${index}-`, 3))
    await Promise.all(
      registries.flatMap((registry, index) =>
        ids(`r${index}-`, 3).map((id) => registry.register(instance(id))),
      ),
    )
    const told = registries.map((registry) => world.told(registry))
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

  const expectNobodyGone = (told: readonly Told[]): void => {
    for (const { removed } of told) expect([...removed.keys()]).toEqual([])
  }

  describe('D5, R1: a list is linearizable', () => {
    test('a write that one member acknowledged is in the next list of another', async () => {
      const drivers = cluster.servers.map((server) =>
        connect([clientOf(server)], { namespace: 'linear' }),
      )
      const session = await drivers[0]?.openSession({ ttlMs: 10_000 }, soon())
      let listMs = 0
      for (let round = 0; round < 150; round++) {
        await session?.put([request(`${round}`)], soon())
        const begin = performance.now()
        for (const driver of drivers.slice(1)) {
          // likewise a removal
          const found = await idsOf(driver)
          expect(found).toContain(`${round}`)
          expect(found).not.toContain(`${round - 1}`)
        }
        listMs += (performance.now() - begin) / 2
        await session?.remove([ref(`${round}`)], soon())
      }
      process.stderr.write(`a list of one, behind its barrier: ${(listMs / 150).toFixed(2)} ms\n`)
      await session?.close(soon())
      for (const driver of drivers) await driver[Symbol.asyncDispose]()
    })

    test('also at a member that lags behind, and a watch begins with the same state', async () => {
      const { leader, followers } = await roles()
      const [lagging] = followers
      const writer = connect([clientOf(leader)], { namespace: 'lagging' })
      const session = await writer.openSession({ ttlMs: 10_000 }, soon())
      const reader = connect([clientOf(lagging)], { namespace: 'lagging' })
      await reader.probe(soon())
      let answered = 0
      for (let round = 0; answered < 8; round++) {
        await lagging?.pause()
        for (let seq = 0; seq < 30; seq++) await session.put([request('1', { seq })], soon())
        await session.put([request(`${round}`, { seq: 9 })], soon())
        await using watch = observing(reader)
        const reads = Promise.allSettled([reader.list({ service: 'orders' }, soon()), watch.next()])
        await lagging?.resume()
        const [list, first] = await reads
        // a freeze of more than syncLimit, on a loaded machine: the leader has dropped the member, and
        // it has dropped its clients
        if (round < 30 && (list.status === 'rejected' || first.status === 'rejected')) {
          await eventually('the member serves again', 20_000, async () => {
            await reader.probe(soon())
            return true
          })
          continue
        }
        answered++
        for (const read of [list, first]) {
          if (read.status === 'rejected') throw read.reason
          expect(read.value.records.map(({ instance: { id } }) => id)).toContain(`${round}`)
        }
      }
      await session.close(soon())
      await writer[Symbol.asyncDispose]()
      await reader[Symbol.asyncDispose]()
    })

    test('also over a slow link', async () => {
      await using proxy = await TcpProxy.to(hosts[1] ?? '')
      const writer = connect([hosts[0] ?? ''], { namespace: 'slow' })
      const reader = connect([proxy.endpoint], { namespace: 'slow' })
      const session = await writer.openSession({ ttlMs: 10_000 }, soon())
      await reader.probe(soon())
      proxy.latency(20)
      for (let round = 0; round < 10; round++) {
        await session.put([request(`${round}`)], soon())
        expect(await idsOf(reader)).toHaveLength(round + 1)
      }
      await session.close(soon())
      await writer[Symbol.asyncDispose]()
      await reader[Symbol.asyncDispose]()
    })
  })

  test('with one silent member of three, the first registration of a process takes less than one and a half seconds', async () => {
    await using silent = await StrangeHost.that('silent')
    const times: number[] = []
    for (let round = 0; round < 3; round++) {
      await using world = new RegistryWorld()
      // ZooKeeper grants 10 s: what is asked for must not count
      const registry = world.registry([silent.endpoint, ...hosts.slice(1)], {
        ttlMs: 30_000,
        random: firstHostFirst(),
      })
      const began = performance.now()
      await registry.register(instance('here'))
      times.push(performance.now() - began)
    }
    expect(silent.accepted).toBeGreaterThanOrEqual(3)
    const tookMs = Math.min(...times)
    process.stderr.write(`registered beside a silent member in ${Math.round(tookMs)} ms\n`)
    // other work on the machine only adds to it; a client that waits for the member takes 3 … 6 s
    expect(tookMs).toBeLessThan(1_500)
  })

  test('R4, W3: a frozen member with owner and watch: no blink, and the watch moves to another member', async () => {
    for (const member of cluster.servers) {
      // the member frozen before may still be joining again, and then two would be missing
      await eventually('all members serve', electionMs, async () => {
        const answers = await Promise.all(hosts.map((host) => ask(host, 'srvr')))
        return answers.every((answer) => answer.includes('Mode: '))
      })
      await using world = new RegistryWorld()
      const here = world.registry(from(member), { random: firstHostFirst() })
      const elsewhere = world.registry(from(member).slice(1))
      await here.register(instance('here'))
      await elsewhere.register(instance('elsewhere'))
      const watch = { here: world.told(here), elsewhere: world.told(elsewhere) }
      await watch.here.sees(['here', 'elsewhere'], slackMs)
      await watch.elsewhere.sees(['here', 'elsewhere'], slackMs)
      const began = performance.now()
      await member.pause()
      try {
        // the others need an election if it was the leader
        const registration = await elsewhere.register(instance('later'))
        // a write may reach a leader before it is frozen, a list after it does not
        await lists(elsewhere, ['here', 'elsewhere', 'later'], electionMs)
        const servingMs = performance.now() - began
        await watch.here.sees(['here', 'elsewhere', 'later'], ttlMs + slackMs * 2)
        process.stderr.write(
          `${member.name} frozen: listed elsewhere after ${Math.round(servingMs)} ms, delivered here after ${Math.round(performance.now() - began)} ms\n`,
        )
        await watch.elsewhere.sees(['here', 'elsewhere', 'later'], slackMs)
        await registration.update({ weight: 5 })
        const updated = (told: Told): boolean => told.view.get('later')?.weight === 5
        await watch.here.until('an update', slackMs, updated)
        await watch.elsewhere.until('an update', slackMs, updated)
        expectNobodyGone([watch.here, watch.elsewhere])
      } finally {
        await member.resume()
      }
      await eventually('every registry is healthy', ttlMs * 2 + slackMs, () =>
        [here, elsewhere].every((registry) => registry.health().ok),
      )
      for (const each of [watch.here, watch.elsewhere])
        await each.sees(['here', 'elsewhere', 'later'], slackMs)
      expectNobodyGone([watch.here, watch.elsewhere])
    }
  })

  test('R4: the leader is killed', async () => {
    await using world = new RegistryWorld()
    const { registries, names, told } = await everywhere(world)
    const { leader } = await roles()
    await leader.stop('kill')
    const [first] = registries
    await first?.register(instance('later'))
    for (const each of told) await each.sees([...names, 'later'], ttlMs + slackMs)
    await pass(ttlMs * 1.5)
    for (const registry of registries) await lists(registry, [...names, 'later'], ttlMs + slackMs)
    await leader.start()
    expectNobodyGone(told)
    await eventually('every registry is healthy', ttlMs + slackMs, () =>
      registries.every((registry) => registry.health().ok),
    )
  })

  test('R4: the quorum is lost for more than the ttl, and returns: the remaining member is stale', async () => {
    await using world = new RegistryWorld()
    const { registries, names, told, wellAgain } = await everywhere(world)
    const lost = cluster.servers.slice(1)
    await Promise.all(lost.map((server) => server.stop('kill')))
    await eventually('all are stale', ttlMs * 3, () =>
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

  test('R4, R5: the whole ensemble restarts with its data after more than the ttl', async () => {
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

  test('R5, W4: the whole ensemble is wiped: all instances return', async () => {
    await using world = new RegistryWorld()
    const { registries, names, told, wellAgain } = await everywhere(world)
    await cluster.stop('kill')
    await cluster.wipe()
    await cluster.start()
    await lists(world.registry(hosts), names, capMs + 1_000 + slackMs)
    await wellAgain(capMs + slackMs)
    await pass(ttlMs + graceMs)
    for (const { removed } of told) expect(removed.size).toBeLessThanOrEqual(names.length / 2)
    for (const each of told) await each.sees(names, slackMs)
    for (const registry of registries) await lists(registry, names, slackMs)
  })
})
