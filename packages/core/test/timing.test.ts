import { expect, test } from 'vitest'
import * as timing from '../src/runtime/timing.ts'

const random = (value: number) => ({ next: () => value, id: () => '' })
const low = random(0)
const high = random(1)
const middle = random(0.5)

test('intervals have the documented length and jitter', () => {
  const { heartbeatIntervalMs, probeIntervalMs, auditIntervalMs } = timing
  expect([low, middle, high].map((r) => heartbeatIntervalMs(1_200, r))).toEqual([270, 300, 330])
  expect([low, middle, high].map((r) => Math.round(probeIntervalMs(1_200, r)))).toEqual([
    180, 200, 220,
  ])
  expect([low, middle, high].map((r) => Math.round(auditIntervalMs(1_000, r)))).toEqual([
    700, 800, 900,
  ])
  expect([low, high].map((r) => timing.checkIntervalMs(1_000, r))).toEqual([900, 1_000])
  expect(timing.auditRetryMs(1_000)).toBe(250)
  expect(timing.heartbeatRetryMs(2_400)).toBe(100)
  expect(timing.heartbeatRetryMs(1)).toBe(1)
})

test('patience is twice the round trip, between ttl/6 and ttl/3', () => {
  expect(
    [0, 40, 60, 75, 90, 500].map((roundTripMs) => timing.patienceMs(600, roundTripMs)),
  ).toEqual([100, 100, 120, 150, 180, 200])
  expect(timing.abandonMs(600)).toBe(200)
})

test('silence is a sign of trouble after ttl/3 and the round trip, which counts up to ttl/3', () => {
  expect([0, 50, 200, 900].map((roundTripMs) => timing.silenceMs(600, roundTripMs))).toEqual([
    200, 250, 400, 400,
  ])
})

test('a hold lasts as long as the owner may take to come back, within its limits', () => {
  const limits = { holdMs: 5_000, maxHoldMs: 20_000 }
  expect(timing.returnMs(1_000, 500)).toBe(3_500)
  expect([1_000, 10_000, 1e9].map((ttlMs) => timing.holdMs(ttlMs, 500, limits))).toEqual([
    5_000, 12_500, 20_000,
  ])
})

test('retries grow to the cap with full jitter, denials stay near it', () => {
  const bounds = { minMs: 100, maxMs: 5_000 }
  expect(
    [0, 1, 2, 5, 6, 5_000].map((failures) => timing.retryDelayMs(bounds, failures, high)),
  ).toEqual([100, 200, 400, 3_200, 5_000, 5_000])
  expect(timing.retryDelayMs(bounds, 2, low)).toBe(0)
  expect(timing.retryDelayMs({ minMs: 1e-9, maxMs: 5_000 }, 4_000, high)).toBeCloseTo(1.0737, 3)
  expect([low, high].map((r) => timing.denialDelayMs(bounds, r))).toEqual([3_750, 5_000])
  expect(timing.attachLimitMs(300)).toBe(600)
})
