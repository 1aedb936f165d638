import type { DriverSession, RegistryDriver } from '@sd/core/driver'
import { eventually } from '@sd/contract-tests'
import {
  codeOf,
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
import { type Server, TcpProxy } from '@sd/contract-tests/servers'
import { provisionFor } from '@sd/test-servers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { capMs, graceMs, RegistryWorld, slackMs, ttlMs } from './registry-world.ts'
import { clientOf, connect } from './support.ts'
import { launchZooKeeper } from './test-tls.ts'

const controllable = (await provisionFor('zookeeper')).how !== 'endpoint'

describe.runIf(controllable)('one server', () => {
  let cluster: Awaited<ReturnType<typeof launchZooKeeper>>
  let server: Server
  let host: string

  beforeAll(async () => {
    cluster = await launchZooKeeper()
    server = cluster.servers[0] as Server
    host = clientOf(server)
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  /** A driver with a record and a watch, with a ttl longer than every fault of a test. */
  const populated = async (
    namespace: string,
  ): Promise<{ driver: RegistryDriver; session: DriverSession }> => {
    const driver = connect([host], { namespace })
    const session = await driver.openSession({ ttlMs: 10_000 }, soon())
    await session.put([request('1')], soon())
    return { driver, session }
  }

  test('frozen: a watch ends after unanswered calls; resumed: the session goes on', async () => {
    const { driver, session } = await populated('frozen')
    await using watch = observing(driver)
    await watch.next()
    // a call that is aborted soon is no sign of silence, and the driver stays at the member
    for (let count = 0; count < 5; count++) {
      const impatient = new AbortController()
      const probing = driver.probe(impatient.signal)
      impatient.abort(new Error('enough'))
      await expect(probing).rejects.toThrow('enough')
    }
    await server.pause()
    const lost = codeOf(watch.next())
    // after two unanswered reads the driver leaves the member
    for (let count = 0; count < 2; count++) await codeOf(driver.probe(soon(300)))
    expect(await lost).toBe('unavailable')
    await server.resume()
    await eventually('a heartbeat is answered again', slackMs, async () => {
      await session.renew(soon())
      return true
    })
    expect(await idsOf(driver)).toContain('1')
    await session.close(soon())
    await driver[Symbol.asyncDispose]()
  })

  test('killed and restarted with its data: unavailable while down, then the same session', async () => {
    const { driver, session } = await populated('killed')
    await using watch = observing(driver)
    await watch.next()
    const broken = codeOf(watch.next())
    await server.stop('kill')
    expect(await broken).toBe('unavailable')
    for (const work of [
      () => session.renew(soon()),
      () => session.put([request('2')], soon()),
      () => session.remove([ref('2')], soon()),
      () => session.audit([ref('2')], soon()),
    ])
      await expect(work()).rejects.toMatchObject({ code: 'unavailable', retryable: true })
    await server.start()
    await eventually('a heartbeat is answered again', slackMs, async () => {
      await session.renew(soon())
      return true
    })
    expect(await session.audit([ref('1')], soon())).toMatchObject([{ state: 'ours' }])
    await session.close(soon())
    expect(await idsOf(driver)).toEqual([])
    await driver[Symbol.asyncDispose]()
  })

  test('R6: a session that could not be closed counts as closed only when no late write can succeed', async () => {
    await using proxy = await TcpProxy.to(host)
    const driver = connect([proxy.endpoint], { namespace: 'fence' })
    const outside = connect([host], { namespace: 'fence' })
    const session = await driver.openSession({ ttlMs: 1_000 }, soon())
    await session.put([request('1')], soon())
    proxy.partition(true)
    // until its client ends by its own clock, and later: the outcome is unknown
    for (const until = performance.now() + 3_000; performance.now() < until;)
      expect(await codeOf(session.close(soon(500)))).not.toBe('none')
    expect(session.lost.aborted).toBe(true)
    proxy.heal()
    const began = performance.now()
    await eventually('the session is closed', 1_500 + slackMs, async () => {
      await session.close(soon(500))
      return true
    })
    // a ttl after a server answers again, as that server may have been frozen
    expect(performance.now() - began).toBeGreaterThan(1_000)
    expect(await idsOf(outside)).toEqual([])
    await driver[Symbol.asyncDispose]()
    await outside[Symbol.asyncDispose]()
  })

  test('R5, W3: wiped with 1,000 instances: all instances return', async () => {
    await using world = new RegistryWorld()
    const owner = world.registry([host])
    const few = world.registry([host])
    const names = [...ids('i', 1_000), ...ids('few', 5)]
    await Promise.all([
      ...ids('i', 1_000).map((id) => owner.register(instance(id))),
      ...ids('few', 5).map((id) => few.register(instance(id))),
    ])
    const told = world.told(world.registry([host]))
    await told.sees(names, slackMs)
    await server.stop('kill')
    await server.wipe()
    await server.start()
    const began = performance.now()
    // R5's allowance for many: the time of a loaded machine to register them
    const manyMs = 5_000
    await lists(world.registry([host]), names, capMs + 1_000 + manyMs + slackMs)
    process.stderr.write(
      `wiped: all back ${Math.round(performance.now() - began)} ms after start\n`,
    )
    await told.sees(names, capMs + slackMs)
    await eventually(
      'every registry is healthy',
      capMs + slackMs,
      () => owner.health().ok && few.health().ok,
    )
    // held instances are in the view as well: the watcher has yet to see the last ones
    await eventually('no instance is held', capMs + slackMs, () => told.watcher.held.length === 0)
    expect(told.removed.size).toBe(0)
  })

  test('R7: a process that restarts with its ids while its old session is alive', async () => {
    await using world = new RegistryWorld()
    const names = ids('i', 300)
    const watching = world.registry([host])
    const before = world.registry([host], { ttlMs: 4_000 })
    await Promise.all(names.map((id) => before.register(instance(id))))
    const told = world.told(watching)
    await told.sees(names, slackMs)
    const after = world.registry([host])
    const began = performance.now()
    await Promise.all(names.map((id) => after.register(instance(id, { weight: 7 }))))
    expect(performance.now() - began).toBeLessThan(10_000)
    await told.until('all records are the new ones', slackMs, ({ view }) =>
      [...view.values()].every(({ weight }) => weight === 7),
    )
    expect(told.removed.size).toBe(0)
    await eventually('the old registrations are superseded', 4_000 + slackMs, () =>
      before.health().registrations.every(({ status }) => status.state === 'superseded'),
    )
    await before.close()
    await lists(watching, names, slackMs)
  })

  test('R4: a link that drops repeatedly, and 1,000 instances: no instance leaves', async () => {
    await using world = new RegistryWorld()
    await using proxy = await TcpProxy.to(host)
    // long enough for a loaded machine to get a heartbeat through between the drops
    const owner = world.registry([proxy.endpoint], { ttlMs: 8_000 })
    const told = world.told(world.registry([host]))
    const names = ids('i', 1_000)
    await Promise.all(names.map((id) => owner.register(instance(id))))
    await told.sees(names, slackMs)
    const { id } = owner.health().session
    for (let drop = 0; drop < 8; drop++) {
      proxy.reset()
      await pass(400)
    }
    await eventually('every registry is healthy', ttlMs + slackMs, () => owner.health().ok)
    expect(owner.health().session.id).toBe(id)
    expect(told.removed.size).toBe(0)
    // no further write: the events are those of the registrations
    expect(
      told.events.every(
        (event) => event.type !== 'change' || event.changes.every(({ type }) => type === 'added'),
      ),
    ).toBe(true)
  })

  test('R4, W3: a slow link, and frames cut anywhere', async () => {
    await using world = new RegistryWorld()
    await using proxy = await TcpProxy.to(host)
    const direct = world.registry([host])
    const spoilt = world.registry([proxy.endpoint], { backoff: { minMs: 10, maxMs: 100 } })
    const registration = await direct.register(instance('a'))
    await spoilt.register(instance('b'))
    const told = world.told(spoilt)
    await told.sees(['a', 'b'], slackMs)
    for (let round = 0; round < 12; round++) {
      proxy.cutAfter(1 + ((round * 331) % 1_500), 'always')
      await registration.update({ weight: round })
      await pass(100)
    }
    proxy.heal()
    proxy.latency(ttlMs / 20)
    await told.until('the last update', ttlMs + slackMs, ({ view }) => view.get('a')?.weight === 11)
    await eventually('every registry is healthy', ttlMs + slackMs, () => spoilt.health().ok)
    await lists(direct, ['a', 'b'], ttlMs + slackMs)
    expect(told.removed.get('a')).toBeUndefined()
  })

  test('R3: the owner is disconnected for ever: its instances are removed within ttl + grace', async () => {
    await using world = new RegistryWorld()
    await using proxy = await TcpProxy.to(host)
    const owner = world.registry([proxy.endpoint], { closeTimeoutMs: 200 })
    const told = world.told(world.registry([host]))
    await owner.register(instance('a'))
    await told.sees(['a'], slackMs)
    const began = performance.now()
    proxy.partition(true)
    await told.sees([], ttlMs + graceMs + slackMs)
    process.stderr.write(
      `disconnected: removed ${Math.round(performance.now() - began)} ms after\n`,
    )
    proxy.heal()
    await told.sees(['a'], capMs + 1_000 + slackMs)
    expect(told.added.get('a')).toBe(2)
  })
})
