import { eventually } from '@sd/contract-tests'
import { createCertificates, TcpProxy } from '@sd/contract-tests/servers'
import { ids, instance, lists, pass, ref, request, soon } from '@sd/contract-tests/world'
import {
  createDriverContext,
  type DriverEvent,
  type HeartbeatWorker,
  type RegistryDriver,
} from '@sd/core/driver'
import { launch, provisionFor, zookeeper as server } from '@sd/test-servers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createHostRotation, createZooKeeperClient } from '../src/client/create-client.ts'
import { heartbeat } from '../src/client/round-trips.ts'
import { secureOptionsOf } from '../src/client/secure-options.ts'
import { zookeeper, type ZooKeeperConfig } from '../src/index.ts'
import { SessionTakeover } from '../src/session/session-takeover.ts'
import { graceMs, RegistryWorld, slackMs, ttlMs } from './registry-world.ts'
import { ask, clientOf, longIds, withSettings } from './support.ts'
import { clientTls, launchZooKeeper } from './test-tls.ts'

const controllable = (await provisionFor('zookeeper')).how !== 'endpoint'

/** Nothing in this thread runs meanwhile. The servers are other processes. */
const block = (durationMs: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs)
}
/** Without the worker thread a session would be over after this. */
const blockMs = 1.5 * ttlMs + graceMs

/** Servers that ask for a login before any request. */
const users = { app: 'hunter2' }
const requiresLogin = {
  digest: withSettings({
    properties: {
      'zookeeper.enforce.auth.enabled': 'true',
      'zookeeper.enforce.auth.schemes': 'digest',
    },
  }),
  sasl: withSettings({
    lines: [
      'authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider',
      'sessionRequireClientSASLAuth=true',
      'fips-mode=false',
    ],
    users,
  }),
} as const

describe.runIf(controllable)("R13: heartbeat: 'worker'", () => {
  let cluster: Awaited<ReturnType<typeof launch>>
  let hosts: string[]
  let events: DriverEvent[]
  const use = (launched: typeof cluster): void => {
    cluster = launched
    hosts = launched.servers.map(clientOf)
  }
  beforeEach(() => {
    events = []
  })
  afterEach(() => cluster?.[Symbol.asyncDispose]())

  const open = (config: Partial<ZooKeeperConfig> = {}): RegistryDriver => {
    const context = createDriverContext({ report: (event) => void events.push(event) })
    const given = {
      ...clientTls,
      hosts,
      namespace: 'kept',
      heartbeat: 'worker',
      ...config,
    } as const
    return zookeeper(given)(context)
  }

  const expectKept = async (driver: RegistryDriver): Promise<void> => {
    const session = await driver.openSession({ ttlMs }, soon())
    await session.put([request('1')], soon())
    await session.renew(soon())
    const blockedMs = performance.now()
    block(blockMs)
    expect(session.renewedMs?.()).toBeGreaterThan(blockedMs + ttlMs / 3)
    const audit = () => session.audit([ref('1')], soon())
    await eventually('an audit after the block', slackMs, async () => {
      const [found] = await audit()
      return found?.state === 'ours'
    })
    expect(session.lost.aborted).toBe(false)
    await session.close(soon())
    expect(events).toEqual([])
  }

  test('the thread has the TLS settings of the configuration', async () => {
    const { ca, server: own, client } = await createCertificates()
    use(await launch(server, { tls: { ...own, ca, clientCertAuth: true } }))
    await using driver = open({ tls: { ca, ...client } })
    await expectKept(driver)
  })

  test.each(['digest', 'sasl'] as const)(
    'the thread needs no login where the server requires one by %s',
    async (auth) => {
      use(await launchZooKeeper(requiresLogin[auth]))
      await using driver = open({ auth, username: 'app', password: users.app })
      await expectKept(driver)
    },
  )

  test('each of the ZooKeeper sessions of a process is kept', async () => {
    use(await launchZooKeeper())
    await using world = new RegistryWorld()
    const registry = world.registry(hosts, {}, { heartbeat: 'worker' })
    const all = longIds(900)
    await Promise.all(all.map((id) => registry.register(instance(id))))
    /** The sessions that have nodes, and how many nodes there are. */
    const stored = async () => {
      const dump = await ask(hosts[0] ?? '', 'dump')
      return {
        sessions: (dump.match(/^0x[0-9a-f]+:$/gm) ?? []).toSorted(),
        nodes: dump.match(/^\t\//gm)?.length,
      }
    }
    const before = await stored()
    expect(before).toMatchObject({ sessions: { length: 2 }, nodes: all.length })
    block(blockMs)
    // a session that had ended would have been replaced
    await pass(ttlMs + graceMs)
    expect(await stored()).toEqual(before)
    await registry.close()
    expect(await stored()).toMatchObject({ sessions: [] })
  })

  test('a process whose session was taken to another member of an ensemble writes again', async () => {
    use(await launchZooKeeper(server, { members: ['n1', 'n2', 'n3'] }))
    await using world = new RegistryWorld()
    const registry = world.registry(hosts, {}, { heartbeat: 'worker' })
    const watching = world.registry(hosts)
    await registry.register(instance('first'))
    const follower = world.told(watching)
    await follower.sees(['first'], slackMs)
    const { id } = registry.health().session
    // the thread chooses any member
    const rounds = ids('round-', 3)
    for (const name of rounds) {
      block(0.6 * ttlMs)
      await registry.register(instance(name), { signal: soon(ttlMs + slackMs) })
      await pass(ttlMs / 2)
    }
    await lists(watching, ['first', ...rounds], slackMs)
    expect(registry.health().session).toMatchObject({ id, state: 'live' })
    expect(follower.removed).toEqual(new Map())
  })

  test('a session that was taken to any member is renewed over the connection that it left, until a write', async () => {
    use(await launchZooKeeper(server, { members: ['n1', 'n2', 'n3'] }))
    const context = createDriverContext()
    const path = `/moved-${process.pid}`
    const move = async (from: string, to: string): Promise<void> => {
      let password = ''
      const keep: HeartbeatWorker['keep'] = (session) => {
        password = session.password ?? ''
        return { renewed: () => {}, renewedMs: 0, release: () => {} }
      }
      const options = { ...clientTls, sessionTimeoutMs: ttlMs, context }
      const client = createZooKeeperClient({ ...options, hosts: [from], worker: { keep } })
      await client.connect(soon())
      const id = client.sessionId
      const rotation = createHostRotation({ ...options, hosts: [to] })
      const secureOptions = secureOptionsOf(clientTls)
      const { clock } = context
      const takeover = { id, password, ttlMs, rotation, clock, secureOptions }
      await new SessionTakeover(takeover).renew(soon())
      for (let beat = 0; beat < 12; beat++) {
        await pass(ttlMs / 4)
        // a leader ends it at a read already
        await heartbeat(client, soon()).catch(() => {})
      }
      const write = () => client.create(`${path}${id}`, Buffer.from(''), 'ephemeral', soon())
      await eventually('a write', slackMs, async () => {
        await write()
        return true
      })
      expect([client.sessionId, client.ended.aborted]).toEqual([id, false])
      await client.close(soon())
    }
    await Promise.all(hosts.flatMap((from) => hosts.map((to) => move(from, to))))
  })

  test('a loop that runs keeps its connection', async () => {
    use(await launchZooKeeper())
    await using proxy = await TcpProxy.to(hosts[0] ?? '')
    await using driver = open({ hosts: [proxy.endpoint] })
    // a machine that is busy delays the loop
    const session = await driver.openSession({ ttlMs: 4 * ttlMs }, soon())
    await session.put([request('1')], soon())
    const accepted = proxy.accepted
    await pass(3 * ttlMs)
    expect(proxy.accepted).toBe(accepted)
    expect(session.lost.aborted).toBe(false)
    await session.close(soon())
  })
})
