import { createDriverContext } from '@sd/core/driver'
import { ManualClock } from '@sd/contract-tests/world'
import { expect, test } from 'vitest'
import type { ZooKeeperClient } from '../src/client/zookeeper-client.ts'
import { SessionPart } from '../src/session/session-part.ts'

const ttlMs = 30_000

const never = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
  )

/** A part whose server answers nothing; `unansweredMs` is what its connection says of that. */
const openPart = () => {
  const clock = new ManualClock()
  const client = {
    sessionId: '0x17',
    sessionTimeoutMs: ttlMs,
    state: 'connected',
    ended: new AbortController().signal,
    unansweredMs: 0,
    reconnects: 0,
    reconnect: () => void client.reconnects++,
    exists: (_path: string, signal: AbortSignal) => never(signal),
  }
  const context = { clock: createDriverContext({ clock }).clock }
  return {
    clock,
    client,
    part: new SessionPart(client as unknown as ZooKeeperClient, context as never),
  }
}

/** Aborts a call on the part after a time. */
const abortAfter = async (
  { clock, part }: ReturnType<typeof openPart>,
  afterMs: number,
  call: (signal: AbortSignal) => Promise<unknown> = (signal) =>
    part.run(() => never(signal), signal),
): Promise<void> => {
  const controller = new AbortController()
  const ended = call(controller.signal).catch((error: unknown) => error)
  await clock.advance(afterMs)
  controller.abort(new Error('enough'))
  expect(await ended).toMatchObject({ message: 'enough' })
}

test('a server that owes an answer and sends nothing is left when a call is aborted', async () => {
  const open = openPart()
  const { clock, client } = open
  client.unansweredMs = 999
  await abortAfter(open, 3_000)
  await clock.advance(1_000)
  expect(client.reconnects).toBe(0)
  client.unansweredMs = 1_000
  await abortAfter(open, 3_000)
  await clock.advance(1_000)
  expect(client.reconnects).toBe(1)
})

test('a call that waited for its turn, or for the event loop, says nothing about the server', async () => {
  const open = openPart()
  const { clock, client } = open
  // nothing was sent
  await abortAfter(open, 3_000)
  // the answer had arrived, and is read now
  client.unansweredMs = 3_000
  await abortAfter(open, 3_000)
  client.unansweredMs = 0
  await clock.advance(1_000)
  expect(client.reconnects).toBe(0)
  expect(clock.pending).toBe(0)
})

test('a heartbeat behind a large answer moves to another server, and an impatient one does not', async () => {
  const open = openPart()
  const { client, part } = open
  const renew = (signal: AbortSignal): Promise<void> => part.renew(signal)
  await abortAfter(open, ttlMs / 10 - 1, renew)
  expect(client.reconnects).toBe(0)
  await abortAfter(open, ttlMs / 10, renew)
  expect(client.reconnects).toBe(1)
})
