import { ManualClock } from '@sd/contract-tests/world'
import { createDriverContext, type HeartbeatWorker } from '@sd/core/driver'
import { expect, test, vi } from 'vitest'
import { createZooKeeperClient } from '../../src/client/create-client.ts'
import { RecordingHost } from './recording-host.ts'

const sessionTimeoutMs = 6_000
const signal = (): AbortSignal => AbortSignal.timeout(10_000)

const connect = async () => {
  const host = await RecordingHost.of(0x17n, sessionTimeoutMs)
  const clock = new ManualClock()
  const kept = { renewedMs: 0, renewed: () => {}, release: vi.fn<() => void>() }
  const keep = vi.fn<HeartbeatWorker['keep']>(() => kept)
  const context = createDriverContext({ clock })
  const client = createZooKeeperClient({
    hosts: [host.endpoint],
    sessionTimeoutMs,
    worker: { keep },
    context,
  })
  const connecting = client.connect(signal())
  // the dialling of a host is a timer
  await clock.advance(1)
  await connecting
  return { host, clock, kept, keep, client }
}

test('a session is kept from its first connection on, and released when it is closed', async () => {
  const { host, kept, keep, client } = await connect()
  await using _ = host
  const key = { id: '0x17', ttlMs: sessionTimeoutMs, password: '07'.repeat(16) }
  expect(keep.mock.calls).toEqual([[key, 0]])
  expect(client.kept).toBe(kept)
  expect(kept.release).not.toHaveBeenCalled()
  const closing = client.close(AbortSignal.abort())
  expect(kept.release).toHaveBeenCalled()
  await closing.catch(() => {})
  expect(keep).toHaveBeenCalledTimes(1)
})

test('a session without a connection lives on while the worker thread renews it', async () => {
  const { host, clock, kept, client } = await connect()
  await host[Symbol.asyncDispose]()
  await vi.waitUntil(() => client.state === 'disconnected', 5_000)
  for (const pass of [1, 2]) {
    kept.renewedMs = clock.monotonicMs() + sessionTimeoutMs / 2
    await clock.advance(sessionTimeoutMs + 1)
    expect(client.ended.aborted, `after timeout ${pass}`).toBe(false)
  }
  expect(kept.release).not.toHaveBeenCalled()
  await clock.advance(sessionTimeoutMs)
  expect(client.ended.reason).toMatchObject({ code: 'OPERATION_TIMEOUT' })
  expect(kept.release).toHaveBeenCalled()
})
