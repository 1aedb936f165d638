import { request } from '@sd/contract-tests/world'
import { createDriverContext } from '@sd/core/driver'
import { expect, test } from 'vitest'
import { zookeeper } from '../src/index.ts'
import { RecordingHost } from './client/recording-host.ts'

const ttlMs = 30_000

test('a session leaves a server that does not answer a write, long before a heartbeat is due', async () => {
  await using silent = await RecordingHost.of(0x17n, ttlMs)
  await using next = await RecordingHost.of(0x17n, ttlMs)
  const context = createDriverContext({ random: { next: () => 0, id: () => 'x' } })
  const factory = zookeeper({ hosts: [silent.endpoint, next.endpoint] })
  await using driver = factory(context)
  const session = await driver.openSession({ ttlMs }, AbortSignal.timeout(10_000))
  const put = (limitMs: number) => session.put([request('1')], AbortSignal.timeout(limitMs))
  expect(silent.open).toBe(1)
  await expect(put(1_100)).rejects.toThrow('timeout')
  await expect.poll(() => next.received[0]?.length, { timeout: 10_000 }).toBeGreaterThan(28)
  // with the id of the session, after the version, the last zxid and the timeout
  expect(next.received[0]?.readBigInt64BE(4 + 4 + 8 + 4)).toBe(0x17n)
  expect(session.lost.aborted).toBe(false)
})
