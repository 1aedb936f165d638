import { StrangeHost } from '@sd/contract-tests/servers'
import { createDriverContext } from '@sd/core/driver'
import { expect, test, vi } from 'vitest'
import { connectRequest } from '../src/client/codec/handshake.ts'
import { createHostRotation } from '../src/client/create-client.ts'
import { SessionTakeover } from '../src/session/session-takeover.ts'
import { RecordingHost } from './client/recording-host.ts'

const ttlMs = 3_000
// beyond 2^63, as of a server with an id above 127
const [id, bits] = ['0xf000000000000001', BigInt.asIntN(64, 0xf000000000000001n)]
const password = '07'.repeat(16)
const signal = (): AbortSignal => AbortSignal.timeout(10_000)

const takeoverOf = (...hosts: readonly string[]): SessionTakeover => {
  const random = { next: () => 0, id: () => '' }
  const context = createDriverContext({ random })
  const rotation = createHostRotation({ hosts, sessionTimeoutMs: ttlMs, context })
  const { clock } = context
  return new SessionTakeover({ id, password, ttlMs, rotation, secureOptions: undefined, clock })
}

test('a handshake with the password of the session renews it, and nothing else is sent', async () => {
  await using host = await RecordingHost.of(bits, ttlMs)
  const takeover = takeoverOf(host.endpoint)
  for (const times of [1, 2]) {
    await takeover.renew(signal())
    await vi.waitUntil(() => host.open === 0, 5_000)
    const handshake = connectRequest({ id: bits, password: Buffer.alloc(16, 7) }, ttlMs, 0n)
    expect(host.received).toEqual(Array.from({ length: times }, () => handshake))
  }
})

test('a session that the server does not know is lost', async () => {
  await using host = await RecordingHost.of(0n, 0)
  await expect(takeoverOf(host.endpoint).renew(signal())).rejects.toMatchObject({
    code: 'session-lost',
    message: expect.stringContaining(id) as string,
  })
})

test('each attempt tries another host until one answers, and stays with that', async () => {
  await using refuses = await StrangeHost.that('refuses')
  await using silent = await StrangeHost.that('silent')
  await using host = await RecordingHost.of(bits, ttlMs)
  const takeover = takeoverOf(refuses.endpoint, silent.endpoint, host.endpoint)
  await expect(takeover.renew(signal())).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining(`${refuses.endpoint}: it refuses`) as string,
  })
  // two rounds over three hosts fit into two thirds of the ttl
  const givenUp = `${silent.endpoint}: it accepts and does not answer within 333 ms`
  await expect(takeover.renew(signal())).rejects.toThrow(givenUp)
  await takeover.renew(signal())
  await takeover.renew(signal())
  expect(host.received).toHaveLength(2)
})

test('an attempt that was not answered in time ends when the next one begins, at another host', async () => {
  await using silent = await StrangeHost.that('silent')
  await using host = await RecordingHost.of(bits, ttlMs)
  const takeover = takeoverOf(silent.endpoint, host.endpoint)
  const first = takeover.renew(AbortSignal.timeout(ttlMs / 3))
  first.catch(() => {})
  await vi.waitUntil(() => silent.accepted === 1, 5_000)
  await takeover.renew(signal())
  await expect(first).rejects.toThrow('timeout')
  expect(host.received).toHaveLength(1)
})

test('a release ends the connection', async () => {
  await using silent = await StrangeHost.that('silent')
  const takeover = takeoverOf(silent.endpoint)
  const stop = new AbortController()
  const attempt = takeover.renew(stop.signal)
  takeover.release()
  stop.abort(new Error('released'))
  await expect(attempt).rejects.toThrow('released')
})
