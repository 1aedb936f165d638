import { expect, test } from 'vitest'
import { Backoff } from '../src/runtime/backoff.ts'
import { RegistryError } from '@sd/core'
import { ManualClock } from './manual-clock.ts'

const most = { next: () => 1, id: () => 'x' }

test('delays double up to the cap, with full jitter', () => {
  const bounds = { minMs: 100, maxMs: 1_000 }
  const backoff = new Backoff(bounds, new ManualClock(), most)
  expect(Array.from({ length: 6 }, () => backoff.nextDelayMs())).toEqual([
    100, 200, 400, 800, 1_000, 1_000,
  ])
  const half = new Backoff(bounds, new ManualClock(), { next: () => 0.5, id: () => 'x' })
  expect(half.nextDelayMs()).toBe(50)
})

test('starts over only after a stable period as long as the cap', async () => {
  const clock = new ManualClock()
  const backoff = new Backoff({ minMs: 100, maxMs: 1_000 }, clock, most)
  backoff.nextDelayMs()
  backoff.nextDelayMs()
  backoff.succeeded()
  await clock.advance(999)
  expect(backoff.nextDelayMs()).toBe(400)
  backoff.succeeded()
  await clock.advance(500)
  backoff.succeeded()
  await clock.advance(500)
  expect(backoff.nextDelayMs()).toBe(100)
})

test('what had succeeded is repeated at once after a stable period, and else as after a failure', async () => {
  const clock = new ManualClock()
  const backoff = new Backoff({ minMs: 100, maxMs: 1_000 }, clock, most)
  expect(backoff.nextDelayAfterSuccessMs()).toBe(0)
  expect(backoff.nextDelayAfterSuccessMs()).toBe(200)
  backoff.succeeded()
  await clock.advance(1_000)
  expect(backoff.nextDelayAfterSuccessMs()).toBe(0)
})

test('never overflows, however long an outage lasts', () => {
  const backoff = new Backoff({ minMs: 100, maxMs: 1_000 }, new ManualClock(), most)
  for (let attempt = 0; attempt < 5_000; attempt += 1) backoff.nextDelayMs()
  expect(backoff.nextDelayMs()).toBe(1_000)
})

test('denials are retried over the last quarter of the cap, and not all at one moment', () => {
  const denied = new RegistryError('permission-denied', {
    backend: 'test',
    operation: 'put',
    message: 'no',
  })
  const delays = [0, 0.5, 1].map((drawn) =>
    new Backoff({ minMs: 100, maxMs: 1_000 }, new ManualClock(), {
      next: () => drawn,
      id: () => 'x',
    }).nextDelayMs(denied),
  )
  expect(delays).toEqual([750, 875, 1_000])
})
