import { eventually } from '@sd/contract-tests'
import {
  type ClientProcess,
  type ClientTask,
  forkClient,
  ids,
  instance,
  lists,
} from '@sd/contract-tests/world'
import { type Server, StrangeHost, TcpProxy } from '@sd/contract-tests/servers'
import { etcd, launch, provisionFor } from '@sd/test-servers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { EtcdConfig } from '../src/index.ts'
import { clientOf, graceMs, RegistryWorld, slackMs, ttlMs } from './registry-world.ts'
import { admin } from './support.ts'

const controllable = (await provisionFor('etcd')).how !== 'endpoint'
const callTimeoutMs = 600
const closeTimeoutMs = 1_500
/** How long a process may take to end after its registry is closed. */
const exitMs = 2_000

const start = (
  endpoint: string,
  namespace: string,
  rest: Partial<ClientTask> = {},
  heartbeat: EtcdConfig['heartbeat'] = 'loop',
) =>
  forkClient({
    module: new URL('../src/index.ts', import.meta.url).href,
    factory: 'etcd',
    config: { endpoints: [`http://${endpoint}`], namespace, heartbeat },
    id: 'child',
    ttlMs,
    callTimeoutMs,
    closeTimeoutMs,
    awaitRegistered: true,
    ...rest,
  })

/** Checks that it ends by itself, in time, and that no callback threw an uncaught error. */
const expectCleanEnd = async (client: ClientProcess, boundMs: number): Promise<number> => {
  const end = await client.close(boundMs + slackMs)
  expect(end).toMatchObject({ code: 0, signal: null, stderr: '' })
  expect(end.ms).toBeLessThan(boundMs + exitMs)
  return end.ms
}

describe.runIf(controllable)('R11: leaving clean', () => {
  let cluster: Awaited<ReturnType<typeof launch>>
  let server: Server
  let endpoint: string

  const leases = async (): Promise<readonly string[]> => {
    using etcdItself = admin(endpoint)
    return (await etcdItself.leaseClient.leaseLeases()).leases.map(({ ID }) => ID)
  }

  beforeAll(async () => {
    cluster = await launch(etcd)
    server = cluster.servers[0] as Server
    endpoint = clientOf(server)
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  test('R10, R11: 1,000 at once share one lease and one keep-alive; closing revokes the lease', async () => {
    await using world = new RegistryWorld()
    const registry = world.registry([endpoint], { closeTimeoutMs })
    const watching = world.registry([endpoint])
    const told = world.follow(watching)
    const before = await leases()
    const streams = await keepAlives(server)
    await Promise.all(ids('i', 1000).map((id) => registry.register(instance(id))))
    await told.sees(ids('i', 1000), slackMs)
    const own = (await leases()).filter((id) => !before.includes(id))
    expect(own).toEqual([registry.health().session.id])
    // long enough for the first beats
    await lists(watching, ids('i', 1000), slackMs)
    const [sinceMs, sinceBeats] = [performance.now(), (await keepAlives(server)).received]
    await new Promise((resolve) => setTimeout(resolve, ttlMs))
    const now = await keepAlives(server)
    expect(now.started - streams.started).toBe(1)
    const periods = (performance.now() - sinceMs) / (ttlMs / 4)
    expect(now.received - sinceBeats).toBeLessThanOrEqual(Math.ceil(periods / 0.9) + 1)
    const iteration = world.follow(registry)
    await iteration.sees(ids('i', 1000), slackMs)
    const began = performance.now()
    await registry.close()
    expect(performance.now() - began).toBeLessThan(closeTimeoutMs)
    expect((await leases()).filter((id) => own.includes(id))).toEqual([])
    expect(await watching.list('orders')).toEqual([])
    await told.sees([], slackMs)
  })

  test.each(['loop', 'worker'] as const)(
    'R11: a process with the heartbeat %s ends by itself, and its lease with it',
    async (heartbeat) => {
      await using world = new RegistryWorld()
      const watching = world.registry([endpoint])
      await using client = await start(endpoint, world.namespace, {}, heartbeat)
      expect(client.report).toMatchObject({ list: 'listed', state: 'registered' })
      expect(await leases()).toContain(client.report.sessionId)
      const told = world.follow(watching)
      await told.sees(['child'], slackMs)
      await expectCleanEnd(client, closeTimeoutMs)
      expect(await leases()).not.toContain(client.report.sessionId)
      await told.sees([], slackMs)
    },
  )

  test('R11: a process ends by itself while the server is frozen; its lease runs out', async () => {
    await using world = new RegistryWorld()
    await using client = await start(endpoint, world.namespace)
    await server.pause()
    try {
      await expectCleanEnd(client, closeTimeoutMs)
    } finally {
      await server.resume()
    }
    await lists(world.registry([endpoint]), [], ttlMs + graceMs + slackMs)
    expect(await leases()).not.toContain(client.report.sessionId)
  })

  test('R11: a process ends by itself while the server is down; its lease runs out', async () => {
    await using world = new RegistryWorld()
    await using client = await start(endpoint, world.namespace)
    await server.stop('kill')
    try {
      await expectCleanEnd(client, closeTimeoutMs)
    } finally {
      await server.start()
    }
    await lists(world.registry([endpoint]), [], ttlMs + graceMs + slackMs)
    expect(await leases()).not.toContain(client.report.sessionId)
  })

  test('no callback throws while the link is reset in the middle of frames', async () => {
    await using world = new RegistryWorld()
    await using proxy = await TcpProxy.to(endpoint)
    const other = world.registry([endpoint])
    await using client = await start(proxy.endpoint, world.namespace)
    const registrations = await Promise.all(ids('i', 50).map((id) => other.register(instance(id))))
    let round = 0
    await eventually('40 connections were cut', ttlMs * 10, async () => {
      round++
      proxy.cutAfter(1 + ((round * 997) % 3000), 'always')
      await Promise.all(registrations.map((item) => item.update({ weight: round })))
      if (round % 50 === 0) proxy.reset()
      return proxy.accepted > 40
    })
    proxy.heal()
    await lists(other, [...ids('i', 50), 'child'], ttlMs + slackMs)
    await expectCleanEnd(client, closeTimeoutMs)
  })
})

describe('R8, R11: a host that is not etcd', () => {
  test.each([
    ['has no listener', 'refuses'],
    ['accepts and never answers', 'silent'],
    ['answers garbage', 'garbage'],
    ['closes every connection at once', 'closes'],
  ] as const)('that %s', async (_, behaviour) => {
    await using host = await StrangeHost.that(behaviour)
    await using client = await start(host.endpoint, 'nobody', { awaitRegistered: false })
    const { list, listMs, state, sessionId } = client.report
    expect(list).toMatch(/^(?:unavailable|timeout)$/)
    expect(listMs).toBeLessThan(callTimeoutMs + 500)
    expect(state).toBe('registering')
    expect(sessionId).toBe('')
    // the driver keeps trying
    if (behaviour !== 'refuses')
      await eventually('three connections', callTimeoutMs * 4 + slackMs, () => host.accepted >= 3)
    await expectCleanEnd(client, closeTimeoutMs)
  })
})

/** The server's counts of keep-alive streams and of heartbeats on them. */
const keepAlives = async (of: Server): Promise<{ started: number; received: number }> => {
  const text = await (await fetch(`http://${of.endpoints['metrics']}/metrics`)).text()
  const count = (metric: string): number =>
    Number(
      new RegExp(`^${metric}\\{grpc_method="LeaseKeepAlive".*\\} (\\S+)$`, 'm').exec(text)?.[1] ??
        0,
    )
  return {
    started: count('grpc_server_started_total'),
    received: count('grpc_server_msg_received_total'),
  }
}
