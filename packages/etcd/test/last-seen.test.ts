import { StrangeHost } from '@sd/contract-tests/servers'
import { Registry } from '@sd/core'
import { describe, expect, test } from 'vitest'
import { etcd } from '../src/index.ts'
import { Http2Host } from './client/grpc/http2-host.ts'

/** The errors of a list and of a probe. */
const failuresAt = async (endpoint: string): Promise<readonly string[]> => {
  await using registry = new Registry(etcd({ endpoints: [endpoint] }), {
    callTimeoutMs: 2_000,
    closeTimeoutMs: 100,
    logger: false,
  })
  const calls = [registry.list('orders'), registry.ping()]
  return await Promise.all(calls.map((call) => call.then(() => 'resolved', String)))
}

describe(
  'the error of a call tells what the host does',
  { concurrent: true, timeout: 30_000 },
  () => {
    test.each([
      ['refuses', /UNAVAILABLE: connect ECONNREFUSED/],
      ['closes', /UNAVAILABLE: (?:the server closed the connection|.*ECONNRESET|.*EPIPE)/],
      ['garbage', /it does not speak HTTP\/2, or expects TLS/],
      ['silent', /accepted a connection, and has not answered/],
    ] as const)('one that %s', async (behaviour, told) => {
      await using host = await StrangeHost.that(behaviour)
      for (const failure of await failuresAt(`http://${host.endpoint}`)) {
        expect(failure).toContain(`http://${host.endpoint}`)
        expect(failure).toMatch(told)
        expect(failure).not.toContain('no answer within')
      }
    })

    test('one that begins an answer and does not end it', async () => {
      await using host = await Http2Host.start()
      host.onStream = (stream) => stream.respond({ 'content-type': 'application/grpc' })
      for (const failure of await failuresAt(host.endpoint))
        expect(failure).toMatch(/http:\S+ is connected, and last answered \d+ ms ago/)
    })
  },
)
