import type { Registration } from '@sd/core'
import { ids, instance, lists } from '@sd/contract-tests/world'
import { type Server, TcpProxy } from '@sd/contract-tests/servers'
import { etcd, launch, provisionFor } from '@sd/test-servers'
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, test } from 'vitest'
import { capMs, clientOf, RegistryWorld, slackMs, ttlMs } from './registry-world.ts'
import { admin } from './support.ts'

const controllable = (await provisionFor('etcd')).how !== 'endpoint'
const long = process.env['SD_LONG_TESTS'] === '1'

const revisionOf = async (etcdItself: ReturnType<typeof admin>): Promise<number> =>
  Number((await etcdItself.get('x').exec()).header.revision)

describe.runIf(controllable)('a watcher over a faulty link', () => {
  let cluster: Awaited<ReturnType<typeof launch>>
  let server: Server
  let world: RegistryWorld
  let proxy: TcpProxy

  beforeAll(async () => {
    cluster = await launch(etcd)
    server = cluster.servers[0] as Server
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())
  beforeEach(async () => {
    world = new RegistryWorld()
    proxy = await TcpProxy.to(clientOf(server))
  })
  afterEach(async () => {
    proxy.heal()
    await world[Symbol.asyncDispose]()
    await proxy[Symbol.asyncDispose]()
  })

  test('W3: a server that is wiped while the watch is disconnected, and written to before it reconnects', async () => {
    const staying = world.registry([clientOf(server)])
    const leaving = world.registry([clientOf(server)])
    await Promise.all(ids('stay', 3).map((id) => staying.register(instance(id))))
    await leaving.register(instance('gone'))
    const told = world.follow(world.registry([proxy.endpoint]))
    await told.sees([...ids('stay', 3), 'gone'], slackMs)
    using etcdItself = admin(clientOf(server))
    const before = await revisionOf(etcdItself)
    proxy.refuse(true)
    await server.stop('kill')
    await server.wipe()
    const closing = leaving.close()
    await server.start()
    await closing
    const joining = world.registry([clientOf(server)])
    await Promise.all(ids('new', 5).map((id) => joining.register(instance(id))))
    // beyond the watch's revision, so that the revision alone does not show the wipe
    await Promise.all(ids('x', 100).map((key) => etcdItself.put(key).value('')))
    expect(await revisionOf(etcdItself)).toBeGreaterThan(before)
    await lists(staying, [...ids('new', 5), ...ids('stay', 3)], capMs + 1_000 + slackMs)
    proxy.heal()
    await told.sees([...ids('new', 5), ...ids('stay', 3)], capMs + slackMs)
    expect([...told.removed.keys()]).toEqual(['gone'])
    await joining.register(instance('last'))
    await told.sees([...ids('new', 5), ...ids('stay', 3), 'last'], slackMs)
  })

  test('W3: cut at any byte while it catches up with 6,000 changes, it receives each change once', async () => {
    const owner = world.registry([clientOf(server)])
    await owner.register(instance('seed'))
    const cuts = await Promise.all(
      [400, 60_000, 300_000, 600_000].map(async (bytes) => {
        const link = await TcpProxy.to(clientOf(server))
        const registry = world.registry([link.endpoint], { backoff: { minMs: 10, maxMs: 50 } })
        const told = world.follow(registry)
        await told.sees(['seed'], slackMs)
        link.refuse(true)
        return { bytes, link, told }
      }),
    )
    using etcdItself = admin(clientOf(server))
    const key = (id: string): string => `${world.namespace}/orders/${id}`
    const record = (await etcdItself.get(key('seed')).string()) ?? ''
    const wanted = ids('i', 6000)
    const waiting = wanted.values()
    // one revision each, so that the server sends them in more than one response
    const write = async (): Promise<void> => {
      for (const id of waiting)
        await etcdItself.put(key(id)).value(record.replaceAll('"seed"', JSON.stringify(id)))
    }
    await Promise.all(Array.from({ length: 50 }, write))
    for (const { bytes, link, told } of cuts) {
      const before = link.accepted
      link.cutAfter(bytes, 'always')
      link.refuse(false)
      await told.until(
        `${bytes}: cut twice, or caught up`,
        slackMs * 2,
        ({ view }) => link.accepted > before + 6 || view.size === 6001,
      )
      // without faults the driver needs one connection for calls and one for watches
      expect(link.accepted - before, `${bytes}: connections`).toBeGreaterThan(3)
      link.heal()
      await told.until(`${bytes}: all are delivered`, slackMs * 3, ({ view }) => view.size === 6001)
      expect([...told.added.values()].every((times) => times === 1)).toBe(true)
      expect(told.removed.size).toBe(0)
      await told.close()
      await link[Symbol.asyncDispose]()
    }
    expect((await owner.list('orders')).length).toBe(6001)
  })

  test(
    'W2, W3: a link that drops every few ms leaves no wrong entry behind',
    { timeout: 120_000 },
    async () => {
      const owner = world.registry([clientOf(server)])
      const watching = world.registry([proxy.endpoint], { backoff: { minMs: 5, maxMs: 40 } })
      const names = ids('i', 300)
      const registrations = new Map<string, Registration>()
      await Promise.all(
        names.map(async (id) => registrations.set(id, await owner.register(instance(id)))),
      )
      const told = world.follow(watching)
      await told.sees(names, slackMs)
      const end = performance.now() + (long ? 40_000 : 10_000)
      const drop = async (): Promise<void> => {
        while (performance.now() < end) {
          proxy.reset()
          await new Promise((resolve) => setTimeout(resolve, 3 + Math.random() * 60))
        }
      }
      let changes = 0
      const change = async (): Promise<void> => {
        while (performance.now() < end) {
          const some = ids('', 10).map(() => names[Math.floor(Math.random() * 300)] ?? '')
          await Promise.all(
            [...new Set(some)].map(async (id) => {
              const registration = registrations.get(id)
              changes++
              if (registration === undefined)
                registrations.set(id, await owner.register(instance(id, { weight: 1 })))
              else if (Math.random() < 0.2) {
                await registration.deregister()
                registrations.delete(id)
              } else await registration.update({ weight: changes % 60_000 })
            }),
          )
        }
      }
      await Promise.all([drop(), change()])
      const connections = proxy.accepted
      const truth = [...registrations]
        .map(
          ([
            id,
            {
              instance: { weight },
            },
          ]) => `${id}@${weight}`,
        )
        .toSorted()
        .join()
      await told.until(
        'no entry is missing, stale or a ghost',
        ttlMs + capMs + slackMs,
        ({ view }) =>
          Array.from(view.values(), ({ id, weight }) => `${id}@${weight}`)
            .toSorted()
            .join() === truth,
      )
      expect(changes).toBeGreaterThan(300)
      expect(connections).toBeGreaterThan(20)
      await lists(owner, [...registrations.keys()], slackMs)
    },
  )

  test('W3: a backlog over 4 MB arrives completely', async () => {
    const owner = world.registry([clientOf(server)])
    const large = (digit: string) => ({ metadata: { blob: digit.repeat(200_000) } })
    const names = ids('i', 40)
    const registrations = await Promise.all(
      names.map((id) => owner.register(instance(id, large('0')))),
    )
    const told = world.follow(world.registry([proxy.endpoint]))
    await told.sees(names, slackMs * 2)
    proxy.refuse(true)
    await Promise.all(registrations.map((registration) => registration.update(large('1'))))
    const received = proxy.bytes.fromServer
    proxy.heal()
    await told.until('all 8 MB are delivered', capMs + slackMs * 2, ({ view }) =>
      [...view.values()].every(({ metadata }) => metadata['blob']?.startsWith('1')),
    )
    expect(told.removed.size).toBe(0)
    expect(proxy.bytes.fromServer - received).toBeGreaterThan(8_000_000)
  })

  test('W3: a compaction while it is disconnected causes no contradictory event', async () => {
    const owner = world.registry([clientOf(server)])
    const watching = world.registry([proxy.endpoint])
    const [first, second, third] = await Promise.all(
      ids('i', 5).map((id) => owner.register(instance(id))),
    )
    const told = world.follow(watching)
    await told.sees(ids('i', 5), slackMs)
    proxy.refuse(true)
    await first?.update({ weight: 7 })
    await second?.deregister()
    await third?.deregister()
    await owner.register(instance('i2', { weight: 3 }))
    await owner.register(instance('new'))
    using etcdItself = admin(clientOf(server))
    const { revision } = (await etcdItself.put('compacted').value('').exec()).header
    await etcdItself.kv.compact({ revision, physical: true })
    proxy.heal()
    await told.sees(['i0', 'i2', 'i3', 'i4', 'new'], capMs + slackMs)
    expect(told.view.get('i0')?.weight).toBe(7)
    expect(told.view.get('i2')?.weight).toBe(3)
    expect([...told.removed.keys()]).toEqual(['i1'])
    // and later changes are delivered
    await first?.update({ weight: 8 })
    await told.until('the next change', slackMs, ({ view }) => view.get('i0')?.weight === 8)
  })
})
