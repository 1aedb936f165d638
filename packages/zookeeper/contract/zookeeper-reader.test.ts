import { createDriverContext, type DriverContext, type RegistryDriver } from '@sd/core/driver'
import { codeOf, ids, orders, request, soon } from '@sd/contract-tests/world'
import { StrangeHost, TcpProxy } from '@sd/contract-tests/servers'
import { afterAll, describe, expect, test } from 'vitest'
import { zookeeper } from '../src/index.ts'
import { clientTls, isOverTls, provideZooKeeper } from './test-tls.ts'

const servers = await provideZooKeeper()
const endpoint = servers.endpoints[0] ?? ''

afterAll(() => servers[Symbol.asyncDispose]())

/** Every client without a known good host begins with the first one. */
const connect = (
  hosts: readonly string[],
  context: Partial<DriverContext> = { random: { next: () => 0, id: () => 'x' } },
): RegistryDriver => zookeeper({ ...clientTls, hosts })(createDriverContext(context))

describe('the connection that reads', () => {
  test('W3: a member that did not answer is tried again last', async () => {
    await using one = await TcpProxy.to(endpoint)
    await using other = await TcpProxy.to(endpoint)
    await using driver = connect([one.endpoint, other.endpoint])
    await driver.probe(soon())
    for (const [silent, next] of [
      [one, other],
      [other, one],
      [one, other],
    ] as const) {
      expect([silent.connections, next.connections]).toEqual([1, 0])
      const { accepted } = silent
      silent.partition(true)
      for (let probe = 0; probe < 2; probe++)
        expect(await codeOf(driver.probe(soon(400)))).not.toBe('none')
      await driver.probe(soon())
      // if the other one takes more than a moment, both are tried
      expect(silent.accepted - accepted).toBeLessThanOrEqual(1)
      silent.heal()
    }
  })

  test('the time to connect does not count as silence of the member', async () => {
    await using proxy = await TcpProxy.to(endpoint)
    await using driver = connect([proxy.endpoint])
    // connected after 800 ms, also over TLS, and no answer to the first request before 1,200 ms
    proxy.latency(isOverTls ? 200 : 400)
    expect(await codeOf(driver.list(orders, soon(1_150)))).not.toBe('none')
    await driver.probe(soon())
    expect(proxy.accepted).toBe(1)
  })

  test('D5: the parts of one large answer are progress', async () => {
    await using owner = connect([endpoint])
    const session = await owner.openSession({ ttlMs: 8_000 }, soon())
    // one answer of 300 KB
    const metadata = { text: 'x'.repeat(25_000) }
    await session.put(
      ids('large-', 12).map((id) => request(id, {}, { metadata })),
      soon(),
    )
    await using proxy = await TcpProxy.to(endpoint)
    await using driver = connect([proxy.endpoint])
    await driver.probe(soon())
    proxy.narrow(200_000)
    let progress = 0
    const { records } = await driver.list(orders, soon(), () => progress++)
    expect(records).toHaveLength(12)
    // the barrier, the names and the records are three answers
    expect(progress).toBeGreaterThan(6)
    await session.close(soon())
  })

  test.each([
    ['refuses', 'it refuses connections (ECONNREFUSED)'],
    [
      'closes',
      isOverTls
        ? 'it hangs up during the TLS handshake'
        : 'it hangs up before it answers: it has as many connections',
    ],
    ['garbage', isOverTls ? 'it does not speak TLS' : 'it is no ZooKeeper server'],
  ] as const)('a host that %s is reported before the deadline of a call', async (how, reason) => {
    await using host = await StrangeHost.that(how)
    await using driver = connect([host.endpoint])
    await expect(driver.list(orders, soon(2_500))).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining(`${host.endpoint}: ${reason}`) as string,
    })
  })

  test('reports which host it tried, and how that failed', async () => {
    await using host = await StrangeHost.that('refuses')
    const { clock } = createDriverContext()
    // all its waits pass twenty times as fast
    const fast = {
      ...clock,
      setTimer: (delayMs: number, callback: () => void) => clock.setTimer(delayMs / 20, callback),
    }
    await using driver = connect([host.endpoint], { clock: fast })
    await expect(driver.probe(soon())).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(
        new RegExp(`no session with ${host.endpoint} .*${host.endpoint}: it refuses connections`),
      ) as string,
    })
  })
})
