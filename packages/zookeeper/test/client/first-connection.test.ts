import { StrangeHost, TcpProxy } from '@sd/contract-tests/servers'
import { createDriverContext } from '@sd/core/driver'
import { expect, test } from 'vitest'
import { createZooKeeperClient } from '../../src/client/create-client.ts'
import { RecordingHost } from './recording-host.ts'

const sessionTimeoutMs = 2_000

test('a host that is slow to answer is waited for, however many others stay silent', async () => {
  await using slow = await RecordingHost.of(0x17n, sessionTimeoutMs)
  await using proxy = await TcpProxy.to(slow.endpoint)
  proxy.latency(250)
  const silent = await Promise.all([1, 2, 3, 4].map(() => StrangeHost.that('silent')))
  const client = createZooKeeperClient({
    hosts: [proxy.endpoint, ...silent.map(({ endpoint }) => endpoint)],
    sessionTimeoutMs,
    context: createDriverContext({ random: { next: () => 0, id: () => 'x' } }),
  })
  await client.connect(AbortSignal.timeout(10_000))
  expect(client.sessionId).toBe('0x17')
  await client.close(AbortSignal.abort()).catch(() => {})
  for (const host of silent) await host[Symbol.asyncDispose]()
})
