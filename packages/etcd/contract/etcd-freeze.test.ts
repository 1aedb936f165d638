import type { Registry } from '@sd/core'
import { eventually } from '@sd/contract-tests'
import { ids, instance, pass } from '@sd/contract-tests/world'
import type { Server } from '@sd/contract-tests/servers'
import { etcd, launch, provisionFor } from '@sd/test-servers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { capMs, clientOf, inStep, RegistryWorld, slackMs, ttlMs } from './registry-world.ts'

const controllable = (await provisionFor('etcd')).how !== 'endpoint'

const renewedMs = (registry: Registry): number =>
  registry.health().session.renewedAt?.getTime() ?? 0

/** Waits until each has sent a heartbeat, and the next ones (ttl/4 later) are about to be sent. */
const justBeforeABeat = async (owners: readonly Registry[]): Promise<void> => {
  const before = owners.map(renewedMs)
  await eventually('a heartbeat of each', ttlMs, () =>
    owners.every((owner, index) => renewedMs(owner) > (before[index] ?? 0)),
  )
  await pass(Math.min(...owners.map(renewedMs)) + ttlMs * 0.235 - Date.now())
}

/** Lists for that long; returns when, in ms, the last incomplete list was seen. */
const lastIncomplete = async (
  registry: Registry,
  wanted: readonly string[],
  durationMs: number,
): Promise<number> => {
  const begin = performance.now()
  let lastMs = 0
  while (performance.now() - begin < durationMs) {
    const seen = (await registry.list('orders')).map(({ id }) => id)
    if (wanted.some((id) => !seen.includes(id))) lastMs = performance.now() - begin
    await pass(10)
  }
  return lastMs
}

/**
 * If a freeze outlasts the leases, etcd may revoke them when it resumes, before it reads the
 * heartbeats in its sockets: watchers then see ordinary removals.
 */
describe.runIf(controllable)('R5: one server frozen just before a beat', () => {
  let cluster: Awaited<ReturnType<typeof launch>>
  let server: Server

  beforeAll(async () => {
    cluster = await launch(etcd)
    server = cluster.servers[0] as Server
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  /** Five instances, a watcher with loss protection, one without, and a client that lists. */
  const populate = async (world: RegistryWorld, owners: readonly Registry[]) => {
    const names = ids('i', 5)
    await Promise.all(
      names.map(async (id, index) => owners[index % owners.length]?.register(instance(id))),
    )
    const [reader, watching] = [0, 1].map(() => world.registry([clientOf(server)]))
    const unprotected = world.registry([clientOf(server)], { lossProtection: false })
    const told = { held: world.follow(watching as Registry), all: world.follow(unprotected) }
    await told.held.sees(names, slackMs)
    await told.all.sees(names, slackMs)
    return {
      told,
      backWithin: async (durationMs: number) => {
        const lastMs = await lastIncomplete(reader as Registry, names, durationMs)
        await told.held.sees(names, capMs + slackMs)
        await told.all.sees(names, capMs + slackMs)
        expect(owners.every((owner) => owner.health().ok)).toBe(true)
        return lastMs
      },
    }
  }

  test.each([0.75, 1, 3])('for %d ttl: all are back within cap + 1 s', async (ttls) => {
    await using many = new RegistryWorld()
    await using one = new RegistryWorld()
    const owner = (world: RegistryWorld) => () =>
      world.registry([clientOf(server)], { random: inStep() })
    const five = ids('o', 5).map(owner(many))
    const single = owner(one)()
    const [spread, together] = await Promise.all([populate(many, five), populate(one, [single])])
    await justBeforeABeat([...five, single])
    await server.pause()
    await pass(ttlMs * ttls)
    await server.resume()
    const observeMs = capMs + 1_000 + ttlMs
    const lastMs = await Promise.all([spread.backWithin(observeMs), together.backWithin(observeMs)])
    for (const ms of lastMs) expect(ms).toBeLessThan(capMs + 1_000)
    // the end of one lease removes its five records at once: more than half, so all are held
    expect(together.told.held.removed.size).toBe(0)
    // five leases may end more than half a second apart: then two removals pass, the others are
    // held
    expect(spread.told.held.removed.size).toBeLessThanOrEqual(2)
    for (const { told } of [spread, together])
      for (const times of told.all.removed.values()) expect(times).toBe(1)
  })
})
