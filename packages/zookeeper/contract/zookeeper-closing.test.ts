import { eventually } from '@sd/contract-tests'
import { type ClientProcess, ids, instance, lists } from '@sd/contract-tests/world'
import { type Server, StrangeHost } from '@sd/contract-tests/servers'
import { provisionFor } from '@sd/test-servers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ClientTask, forkClient } from './fork-client.ts'
import { capMs, graceMs, RegistryWorld, slackMs, ttlMs } from './registry-world.ts'
import { ask, clientOf } from './support.ts'
import { launchZooKeeper } from './test-tls.ts'

const controllable = (await provisionFor('zookeeper')).how !== 'endpoint'
const callTimeoutMs = 600
const closeTimeoutMs = 1_500
/** How long a process may take to end after its registry is closed. */
const exitMs = 1_000

const start = (host: string, namespace: string, rest: Partial<ClientTask> = {}) =>
  forkClient({
    hosts: [host],
    namespace,
    id: 'child',
    ttlMs,
    callTimeoutMs,
    closeTimeoutMs,
    awaitRegistered: true,
    ...rest,
  })

/** Checks that it ends by itself, in time, and that no callback threw an uncaught error. */
const expectCleanEnd = async (client: ClientProcess, boundMs: number): Promise<void> => {
  const end = await client.close(boundMs + slackMs)
  process.stderr.write(`closed within ${boundMs} ms and ended: ${Math.round(end.ms)} ms\n`)
  expect(end).toMatchObject({ code: 0, signal: null, stderr: '' })
  expect(end.ms).toBeLessThan(boundMs + exitMs)
}

describe.runIf(controllable)('R11: leaving clean', () => {
  let cluster: Awaited<ReturnType<typeof launchZooKeeper>>
  let server: Server
  let host: string

  /** The sessions that have a node, as the server lists them. */
  const sessions = async (): Promise<readonly string[]> => {
    const [, holding = ''] = (await ask(host, 'dump')).split('Sessions with Ephemerals')
    return Array.from(holding.matchAll(/^(0x[0-9a-f]+):$/gm), ([, id = '']) => id)
  }

  beforeAll(async () => {
    cluster = await launchZooKeeper()
    server = cluster.servers[0] as Server
    host = clientOf(server)
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  test('R10, R11: 1,000 at once share one session and connection, and another one to watch; a few packets register them, and closing ends both', async () => {
    await using world = new RegistryWorld()
    /** Of the connection of a session. */
    const packetsReceived = async (id: string): Promise<number> =>
      Number(new RegExp(`recved=(\\d+),.*sid=${id},`).exec(await ask(host, 'cons'))?.[1])
    const connections = async (): Promise<number> =>
      (await ask(host, 'cons')).split('\n').filter((line) => line.includes('sid=')).length
    const watching = world.registry([host])
    const told = world.told(watching)
    await told.sees([], slackMs)
    const before = await connections()
    // no audit and few pings meanwhile, also on a slow machine
    const registry = world.registry([host], { closeTimeoutMs, ttlMs: 5 * ttlMs })
    const began = performance.now()
    await Promise.all(ids('i', 1000).map((id) => registry.register(instance(id))))
    const { id = '' } = registry.health().session
    expect(await packetsReceived(id)).toBeLessThanOrEqual(20)
    process.stderr.write(`1,000 registered in ${Math.round(performance.now() - began)} ms\n`)
    await told.sees(ids('i', 1000), slackMs)
    process.stderr.write(`and all delivered after ${Math.round(performance.now() - began)} ms\n`)
    expect((await connections()) - before).toBe(1)
    const iteration = world.told(registry)
    await iteration.sees(ids('i', 1000), slackMs)
    expect(await sessions()).toEqual([id])
    expect((await connections()) - before).toBe(2)
    const closing = performance.now()
    await registry.close()
    expect(performance.now() - closing).toBeLessThan(closeTimeoutMs)
    expect(await sessions()).toEqual([])
    expect(await watching.list('orders')).toEqual([])
    // a busy machine may have been silent for long enough to open the recovery window (W4)
    await told.sees([], ttlMs + capMs + 2_000 + slackMs)
    expect(await connections()).toBe(before)
  })

  test.each(['loop', 'worker'] as const)(
    'R11: a process with the heartbeat %s ends by itself, and its session with it',
    async (heartbeat) => {
      await using world = new RegistryWorld()
      const watching = world.registry([host])
      await using client = await start(host, world.namespace, { heartbeat })
      expect(client.report).toMatchObject({ list: 'listed', state: 'registered' })
      expect(await sessions()).toHaveLength(1)
      const told = world.told(watching)
      await told.sees(['child'], slackMs)
      await expectCleanEnd(client, closeTimeoutMs)
      expect(await sessions()).toEqual([])
      await told.sees([], slackMs)
    },
  )

  test('R3: a process is killed: its instance is removed within ttl + grace', async () => {
    await using world = new RegistryWorld()
    const watching = world.registry([host])
    const client = await start(host, world.namespace)
    const told = world.told(watching)
    await told.sees(['child'], slackMs)
    const began = performance.now()
    await client[Symbol.asyncDispose]()
    await told.sees([], ttlMs + graceMs + slackMs)
    process.stderr.write(`killed: removed ${Math.round(performance.now() - began)} ms after\n`)
    expect(await watching.list('orders')).toEqual([])
  })

  test.each([
    ['frozen', () => server.pause(), () => server.resume()],
    ['down', () => server.stop('kill'), () => server.start()],
  ] as const)(
    'R11: a process ends by itself while the server is %s; its session runs out',
    async (_, spoil, mend) => {
      await using world = new RegistryWorld()
      await using client = await start(host, world.namespace)
      await spoil()
      try {
        await expectCleanEnd(client, closeTimeoutMs)
      } finally {
        await mend()
      }
      await lists(world.registry([host]), [], ttlMs + graceMs + slackMs)
      expect(await sessions()).toEqual([])
    },
  )
})

describe('R8, R11: a host that is not ZooKeeper', () => {
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
    expect(listMs).toBeLessThan(callTimeoutMs + slackMs)
    expect(state).toBe('registering')
    expect(sessionId).toBe('')
    // the driver keeps trying
    if (behaviour !== 'refuses')
      await eventually('three connections', callTimeoutMs * 4 + slackMs, () => host.accepted >= 3)
    await expectCleanEnd(client, closeTimeoutMs)
  })
})
