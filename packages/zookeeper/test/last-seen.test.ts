import { StrangeHost } from '@sd/contract-tests/servers'
import { Registry } from '@sd/core'
import { describe, expect, test } from 'vitest'
import { zookeeper } from '../src/index.ts'
import { GreetingHost } from './client/greeting-host.ts'

/** The errors of a list and of a probe at a host, within less time than connecting takes. */
const failuresAt = async (endpoint: string): Promise<readonly string[]> => {
  await using registry = new Registry(zookeeper({ hosts: [endpoint] }), {
    callTimeoutMs: 600,
    closeTimeoutMs: 100,
    logger: false,
  })
  const calls = [registry.list('orders'), registry.ping()]
  return await Promise.all(calls.map((call) => call.then(() => 'resolved', String)))
}

describe('a call that times out tells what its host does', () => {
  test.each([
    ['refuses', /it refuses connections \(ECONNREFUSED\)/],
    ['closes', /it hangs up before it answers: .*maxClientCnxns/],
    ['silent', /it accepted a connection, and has not answered for \d+ ms/],
  ] as const)('one that %s', async (behaviour, told) => {
    await using host = await StrangeHost.that(behaviour)
    for (const failure of await failuresAt(host.endpoint)) {
      expect(failure).toContain(host.endpoint)
      expect(failure).toMatch(told)
      expect(failure).not.toContain('no answer within')
    }
  })

  test('one that answers nothing after the handshake', async () => {
    await using host = await GreetingHost.thatSends(Buffer.alloc(0))
    for (const failure of await failuresAt(`127.0.0.1:${host.port}`))
      expect(failure).toMatch(/127\.0\.0\.1:\d+: it is connected, and last answered \d+ ms ago/)
  })
})
