import { codeOf, observing, orders, request, soon } from '@sd/contract-tests/world'
import type { Server } from '@sd/contract-tests/servers'
import { etcd, launch, provisionFor } from '@sd/test-servers'
import { describe, expect, test } from 'vitest'
import { connect } from './support.ts'

const controllable = (await provisionFor('etcd')).how !== 'endpoint'
const clientOf = (server: Server | undefined): string => server?.endpoints['client'] ?? ''

describe.runIf(controllable)('one server', () => {
  test('killed and restarted with its data: unavailable while down, then the same session', async () => {
    await using cluster = await launch(etcd)
    const [server] = cluster.servers
    const driver = connect([clientOf(server)])
    const session = await driver.openSession({ ttlMs: 60_000 }, soon())
    await session.put([request('1')], soon())
    await session.renew(soon())
    await using watch = observing(driver)
    await watch.any()
    const broken = codeOf(watch.next())
    await server?.stop('kill')
    expect(await broken).toBe('unavailable')
    for (const work of [
      () => session.renew(soon()),
      () => session.put([request('2')], soon()),
      () => driver.list(orders, soon()),
      () => driver.probe(soon()),
      () => observing(driver).any(),
    ])
      await expect(work()).rejects.toMatchObject({ code: 'unavailable', retryable: true })
    await connect([clientOf(server)])[Symbol.asyncDispose]()
    await server?.start()
    await session.renew(soon())
    await using again = observing(driver)
    expect((await again.any()).type).toBe('snapshot')
    await session.close(soon())
    expect(await again.next()).toMatchObject({ removed: ['orders/1'] })
    await driver[Symbol.asyncDispose]()
  })

  test('wiped: the session is lost, and nothing is written in it', async () => {
    await using cluster = await launch(etcd)
    const [server] = cluster.servers
    const driver = connect([clientOf(server)])
    const session = await driver.openSession({ ttlMs: 60_000 }, soon())
    await session.put([request('1')], soon())
    await server?.stop('kill')
    await server?.wipe()
    await server?.start()
    await expect(session.renew(soon())).rejects.toMatchObject({ code: 'session-lost' })
    await expect(session.put([request('1')], soon())).rejects.toMatchObject({
      code: 'session-lost',
    })
    await session.close(soon())
    await driver[Symbol.asyncDispose]()
  })
})

describe.runIf(controllable)('a cluster', () => {
  test('the driver leaves a frozen member after the first call that hangs', async () => {
    await using cluster = await launch(etcd, { members: ['n1', 'n2', 'n3'] })
    const driver = connect(cluster.servers.map(clientOf))
    const session = await driver.openSession({ ttlMs: 60_000 }, soon())
    await session.put([request('1')], soon())
    for (const server of cluster.servers) {
      await using watch = observing(driver)
      await watch.any()
      await session.renew(soon())
      await server.pause()
      // each connection detects it on its own, within one deadline (two, with an election)
      const eventually = async (work: (signal: AbortSignal) => Promise<unknown>): Promise<void> => {
        let code = ''
        for (let left = 4; code !== 'none' && left > 0; left--)
          code = await codeOf(work(soon(1500)))
        expect(code).toBe('none')
      }
      await eventually((signal) => session.renew(signal))
      await eventually((signal) => session.put([request('1', { seq: 1 })], signal))
      await eventually((signal) => driver.probe(signal))
      await eventually((signal) =>
        driver.observe(orders, undefined, signal)[Symbol.asyncIterator]().next(),
      )
      await server.resume()
    }
    await session.close(soon())
    await driver[Symbol.asyncDispose]()
  })

  test('a watch on a member cut off from the majority ends', async () => {
    await using cluster = await launch(etcd, { members: ['n1', 'n2', 'n3'] })
    const [first, second, third] = cluster.servers
    const driver = connect([clientOf(third)])
    await using watch = observing(driver)
    await watch.any()
    const ended = codeOf(watch.next())
    await Promise.all([first?.stop('kill'), second?.stop('kill')])
    expect(await ended).toBe('unavailable')
    await driver[Symbol.asyncDispose]()
  })
})
