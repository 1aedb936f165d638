import { createPicker, type StrategyName } from '@sd/balancer'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { added, instance, instances, removed, seeded, tally, updated } from '../support.ts'

const weights = fc.array(fc.integer({ min: 1, max: 200 }), {
  minLength: 2,
  maxLength: 20,
  size: 'max',
})
const fleet = (all: readonly number[]) =>
  instances(all.length, (index) => ({ weight: all[index]! }))
const sum = (all: readonly number[]): number => all.reduce((total, one) => total + one, 0)

test('weighted: every share is exact within one round', () => {
  fc.assert(
    fc.property(weights, fc.integer(), (all, seed) => {
      const picker = createPicker({ strategy: 'weighted', random: seeded(seed) })
      picker.apply(added(...fleet(all)))
      const picks = 4 * sum(all)
      const counts = tally(() => picker.pick(), picks)
      for (const [index, weight] of all.entries())
        expect(Math.abs((counts[`i${index}`] ?? 0) - (picks * weight) / sum(all))).toBeLessThan(2.5)
    }),
    { numRuns: 30 },
  )
})

test('weighted: a weight that changes takes effect at once', () => {
  const picker = createPicker({ strategy: 'weighted', random: seeded(1) })
  const tiny = instance('tiny', { weight: 1 })
  picker.apply(added(tiny, ...instances(10, () => ({ weight: 1_000 }))))
  tally(() => picker.pick(), 50)
  picker.apply(updated(tiny, { weight: 1_000 }))
  expect(tally(() => picker.pick(), 110)['tiny']).toBeGreaterThanOrEqual(8)
})

describe.each<StrategyName>(['p2c', 'peak-ewma', 'sticky'])('%s', (strategy) => {
  test('without load the shares are those of the weights, within five standard deviations', () => {
    fc.assert(
      fc.property(weights, fc.integer(), (all, seed) => {
        const clock = {
          nowMs: () => 0,
          monotonicMs: () => 0,
          setTimer: () => ({ cancel: () => {} }),
        }
        const picker = createPicker({ strategy, clock, random: seeded(seed) })
        const leaving = fleet([1, ...all, 65_535]).map((one) => ({ ...one, id: `x${one.id}` }))
        picker.apply(added(...leaving, ...fleet(all)))
        picker.apply(removed(...leaving))
        // all with the same latency
        const pick = () => {
          const picked = picker.pick()
          return { instance: picked.instance, done: () => picked.done({ latencyMs: 1 }) }
        }
        tally(pick, 50 * all.length)
        const picks = 4_000
        const counts = tally(pick, picks)
        for (const [index, weight] of all.entries()) {
          const share = weight / sum(all)
          const deviation = Math.sqrt(picks * share * (1 - share))
          const off = Math.abs((counts[`i${index}`] ?? 0) - picks * share)
          expect(off).toBeLessThan(5 * deviation + 1)
        }
      }),
      // fixed draws: one seed in many thousands deviates more
      { numRuns: 20, seed: 1 },
    )
  })
})

test('p2c: under load what is in flight follows the weights, within a quarter', () => {
  const picker = createPicker({ random: seeded(3) })
  const all = [50, 100, 200, 400]
  picker.apply(added(...fleet(all)))
  const inFlight: Record<string, number> = {}
  for (let call = 0; call < 7_500; call += 1) {
    const { id } = picker.pick().instance
    inFlight[id] = (inFlight[id] ?? 0) + 1
  }
  for (const [index, weight] of all.entries()) {
    const expected = (7_500 * weight) / sum(all)
    expect(Math.abs((inFlight[`i${index}`] ?? 0) - expected)).toBeLessThan(expected / 4)
  }
})

test('p2c: prefers the instance with less in flight', () => {
  const picker = createPicker({ random: seeded(3) })
  picker.apply(added(...instances(2)))
  const first = picker.pick()
  for (let call = 0; call < 20; call += 1) {
    const picked = picker.pick()
    expect(picked.instance).not.toBe(first.instance)
    picked.done()
  }
  first.done()
  first.done()
  expect(Object.keys(tally(() => picker.pick(), 50))).toHaveLength(2)
})

test('p2c: the load in flight stays with its instance when others leave', () => {
  const picker = createPicker({ random: seeded(3) })
  const all = instances(3)
  picker.apply(added(...all))
  expect(picker.pick({ exclude: new Set(['i0', 'i1']) }).instance.id).toBe('i2')
  picker.apply(removed(all[0]!))
  expect(tally(() => picker.pick(), 30)).toEqual({ i1: 30 })
})

describe.each<StrategyName>(['round-robin', 'random'])('%s', (strategy) => {
  test('gives every instance the same share, whatever the weights', () => {
    const picker = createPicker({ strategy, random: seeded(5) })
    picker.apply(added(...instances(10, (index) => ({ weight: 1 + index * 100 }))))
    const counts = tally(() => picker.pick(), 10_000)
    for (const count of Object.values(counts)) {
      expect(Math.abs(count - 1_000)).toBeLessThan(strategy === 'random' ? 150 : 2)
    }
  })
})

test('round robin and weighted begin at a random place, so that clients are not synchronized', () => {
  for (const strategy of ['round-robin', 'weighted'] as const) {
    const first = new Set<string>()
    for (let seed = 0; seed < 60; seed += 1) {
      const picker = createPicker({ strategy, random: seeded(seed) })
      picker.apply(added(...instances(5)))
      first.add(picker.pick().instance.id)
    }
    expect(first.size).toBe(5)
  }
})

test('round robin continues at its place when one leaves', () => {
  const picker = createPicker({ strategy: 'round-robin', random: seeded(2) })
  const all = instances(4)
  picker.apply(added(...all))
  picker.apply(removed(all[1]!))
  expect(tally(() => picker.pick(), 30)).toEqual({ i0: 10, i2: 10, i3: 10 })
})
