import { eventually } from '@sd/contract-tests'
import { instance, lists } from '@sd/contract-tests/world'
import type { Server } from '@sd/contract-tests/servers'
import { provisionFor } from '@sd/test-servers'
import type { Registry } from '@sd/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launchPartitionable, type PartitionableEnsemble } from './partitionable-ensemble.ts'
import { firstHostFirst, RegistryWorld, ttlMs } from './registry-world.ts'
import { ask, clientOf } from './support.ts'

const { how } = await provisionFor('zookeeper')

/** The longest ttl that these servers grant: a member that is cut off stops serving after 2 s. */
const longTtlMs = 10_000
/** An election takes rounds of 3 s with these settings, and a member that returns takes part in one. */
const electionMs = 20_000

// members in containers reach each other directly
describe.runIf(how === 'process')(
  'cut off from the other members (needs servers as processes)',
  () => {
    let ensemble: PartitionableEnsemble

    beforeAll(async () => {
      ensemble = await launchPartitionable()
    })
    afterAll(() => ensemble?.[Symbol.asyncDispose]())

    const roleOf = async (server: Server): Promise<string> =>
      /Mode: (\w+)/.exec(await ask(clientOf(server), 'srvr'))?.[1] ?? 'none'

    const memberThatIs = (role: string): Promise<Server> =>
      eventually(`all members serve, one as ${role}`, electionMs, async () => {
        const { servers } = ensemble.cluster
        const roles = await Promise.all(servers.map(roleOf))
        return roles.includes('none') ? undefined : servers[roles.indexOf(role)]
      })

    test.each(['follower', 'leader'])(
      'R4, R6, W3: the %s: its clients move to the others without a blink, and nothing differs afterwards',
      { timeout: 120_000 },
      async (role) => {
        const cut = await memberThatIs(role)
        const others = ensemble.hosts.filter((host) => host !== clientOf(cut))
        await using world = new RegistryWorld()
        const opened = { ttlMs: longTtlMs, random: firstHostFirst() }
        const here = world.registry([clientOf(cut), ...others], opened)
        const elsewhere = world.registry(others, { ttlMs: longTtlMs })
        const newcomer = world.registry([clientOf(cut), ...others], opened)
        /** It reaches no other member: its session expires, as of a process that is gone. */
        const stranded = world.registry([clientOf(cut)], { ttlMs: 2 * ttlMs })
        const [, , , leaving] = await Promise.all([
          here.register(instance('here')),
          stranded.register(instance('stranded')),
          elsewhere.register(instance('elsewhere')),
          elsewhere.register(instance('leaving')),
        ])
        const told = [here, elsewhere, stranded].map((registry) => world.told(registry))
        const [toldHere, toldElsewhere, toldStranded] = told
        const before = ['here', 'elsewhere', 'leaving', 'stranded']
        for (const each of told) await each.sees(before, electionMs)
        const sessionId = here.health().session.id
        const during = ['here', 'elsewhere', 'later', 'newcomer', 'pending']
        const began = performance.now()
        ensemble.cutOff(cut)
        try {
          // its member cannot commit this, and does not answer
          const pending = here.register(instance('pending'))
          // nor can it open a session for a process that tries it first
          await newcomer.register(instance('newcomer'))
          const later = await elsewhere.register(instance('later'))
          await leaving?.deregister()
          await pending
          const movedMs = performance.now() - began
          process.stderr.write(
            `${role} cut off: written by its client after ${Math.round(movedMs)} ms\n`,
          )
          // unless an election took longer than the session lives
          expect(movedMs > longTtlMs || here.health().session.id === sessionId).toBe(true)
          await toldElsewhere?.sees(during, electionMs)
          await toldHere?.sees(during, electionMs)
          await later.update({ weight: 5 })
          for (const each of [toldHere, toldElsewhere])
            await each?.until(
              'an update',
              electionMs,
              ({ view }) => view.get('later')?.weight === 5,
            )
          for (const registry of [here, elsewhere, newcomer])
            await lists(registry, during, electionMs)
          expect(await roleOf(cut)).toBe('none')
          const { watcher, removed } = toldStranded as (typeof told)[number]
          await eventually('its watcher is stale', electionMs, () => watcher.stale !== undefined)
          expect([...removed.keys()]).toEqual([])
        } finally {
          ensemble.heal()
        }
        await eventually('every registry is healthy', electionMs, () =>
          [here, elsewhere, newcomer, stranded].every((registry) => registry.health().ok),
        )
        const after = [...during, 'stranded']
        for (const each of told) await each.sees(after, electionMs)
        await memberThatIs('leader')
        const served = async (registry: Registry): Promise<unknown> =>
          (await registry.list('orders')).toSorted((one, other) => (one.id < other.id ? -1 : 1))
        const truth = await served(elsewhere)
        for (const registry of [here, newcomer, stranded])
          expect(await served(registry)).toEqual(truth)
        for (const { watcher, removed } of told) {
          expect(watcher.instances.toSorted((one, other) => (one.id < other.id ? -1 : 1))).toEqual(
            truth,
          )
          const gone = [...removed.keys()]
          expect(gone.filter((id) => id !== 'leaving' && id !== 'stranded')).toEqual([])
        }
      },
    )
  },
)
