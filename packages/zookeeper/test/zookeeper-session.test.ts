import { createDriverContext, jsonFormat } from '@sd/core/driver'
import { many } from '@sd/contract-tests/world'
import { expect, test } from 'vitest'
import type { ZooKeeperClient } from '../src/client/zookeeper-client.ts'
import { Keys } from '../src/keys.ts'
import { maxPathBytes } from '../src/session/session-part.ts'
import { ZooKeeperSession } from '../src/zookeeper-session.ts'

/** A client whose server answers everything, until `silent` is set. */
const createClient = (sessionId: string) => {
  const client = {
    sessionId,
    sessionTimeoutMs: 90,
    state: 'connected',
    get lastSeen() {
      return { text: `${sessionId} is silent`, silentMs: client.silent ? 10_000 : 0 }
    },
    unansweredMs: 0,
    ended: new AbortController().signal,
    onState: () => () => {},
    silent: false,
    reconnects: 0,
    multi: async () => [0, 0],
    reconnect: () => void client.reconnects++,
    exists: (_: string, signal: AbortSignal) =>
      client.silent
        ? new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
          })
        : Promise.resolve(undefined),
  }
  return client
}

const openSession = (first: unknown, keys = new Keys('n', jsonFormat), further?: unknown) => {
  const asClient = (client: unknown): ZooKeeperClient => client as ZooKeeperClient
  return new ZooKeeperSession(asClient(first), async () => asClient(further), {
    keys,
    clock: createDriverContext().clock,
    reader: undefined as never,
    sessions: new Map(),
    lastSeen: () => undefined,
  })
}

test('a part that answers nothing moves to another connection, and the others are renewed', async () => {
  const clients = [createClient('a'), createClient('b')]
  const [first, further] = clients
  // two long paths fill a part
  const keys = new Keys('n'.repeat(maxPathBytes / 2), jsonFormat)
  const session = openSession(first, keys, further)
  const signal = AbortSignal.timeout(5_000)
  await session.put(many(2), signal)
  for (const silent of clients) {
    silent.silent = true
    await session.renew(signal)
    await expect.poll(() => silent.reconnects).toBe(1)
    silent.silent = false
  }
  for (const client of clients) client.silent = true
  await expect(session.renew(signal)).rejects.toMatchObject({
    code: 'timeout',
    message: expect.stringMatching(/[ab] is silent/) as string,
  })
  expect(session.lost.aborted).toBe(false)
})

test('a renewal by the loop or by the worker thread counts, whichever part it is of', async () => {
  const signal = AbortSignal.timeout(5_000)
  const kept = {
    renewedMs: -1,
    renewed: (sentMs: number) => void (kept.renewedMs = sentMs),
    release: () => {},
  }
  const alone = openSession({ ...createClient('a'), kept })
  expect(alone.renewedMs?.()).toBe(-1)
  await alone.renew(signal)
  expect(alone.renewedMs?.()).toBeGreaterThan(0)
  expect(openSession(createClient('a')).renewedMs).toBeUndefined()
})
