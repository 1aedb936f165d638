import { createPicker, type StrategyName } from '@sd/balancer'
import { expect, test } from 'vitest'
import { added, instance, instances, ManualClock, removed, seeded, tally } from './support.ts'

const open = (strategy: StrategyName, slowStart: object | true = { windowMs: 10_000 }) => {
  const clock = new ManualClock()
  const picker = createPicker({ strategy, slowStart, clock, random: seeded(6) })
  picker.apply(added(...instances(9)))
  return { clock, picker, share: () => (tally(() => picker.pick(), 4_000)['new'] ?? 0) / 4_000 }
}

test.each<StrategyName>(['weighted', 'p2c', 'round-robin', 'random'])(
  '%s: a new instance gets a tenth of its share at first, half of it at half time, then all',
  (strategy) => {
    const { clock, picker, share } = open(strategy)
    picker.apply(added(instance('new')))
    expect(share()).toBeGreaterThan(0.003)
    expect(share()).toBeLessThan(0.025)
    clock.advance(5_000)
    expect(share()).toBeGreaterThan(0.035)
    expect(share()).toBeLessThan(0.075)
    clock.advance(5_000)
    expect(share()).toBeGreaterThan(0.08)
    expect(clock.pending).toBe(0)
  },
)

test('consistent hash: keys move to a new instance gradually', () => {
  const { clock, picker } = open('consistent-hash')
  picker.apply(added(instance('new')))
  const keysOfNew = (): number => {
    let count = 0
    for (let key = 0; key < 2_000; key += 1) {
      const picked = picker.pick({ key: `k${key}` })
      if (picked.instance.id === 'new') count += 1
      picked.done()
    }
    return count
  }
  const first = keysOfNew()
  clock.advance(5_000)
  const second = keysOfNew()
  clock.advance(5_000)
  expect(first).toBeLessThan(second)
  expect(second).toBeLessThan(keysOfNew())
})

test('instances of the first sync have no slow start', () => {
  const { clock, picker } = open('weighted')
  expect(clock.pending).toBe(0)
  expect(Math.min(...Object.values(tally(() => picker.pick(), 900)))).toBeGreaterThan(95)
})

test('begins when an instance first takes calls, not when it registers drained', () => {
  const { clock, picker, share } = open('weighted')
  const drained = instance('new', { weight: 0 })
  picker.apply(added(drained))
  clock.advance(60_000)
  picker.apply([{ type: 'updated', previous: drained, instance: { ...drained, weight: 100 } }])
  expect(share()).toBeLessThan(0.025)
})

test('the removal of the instance, and close, stop the timer', () => {
  const { clock, picker } = open('weighted', true)
  picker.apply(added(instance('new')))
  expect(clock.pending).toBe(1)
  picker.apply(removed(instance('new')))
  expect(clock.pending).toBe(0)
  picker.apply(added(instance('new')))
  picker.close()
  expect(clock.pending).toBe(0)
})

test('aggression and the minimum are those of Envoy', () => {
  const { clock, picker, share } = open('weighted', {
    windowMs: 10_000,
    aggression: 2,
    minWeightPercent: 20,
  })
  picker.apply(added(instance('new', { weight: 900 })))
  // 20 % of 900, next to 900
  expect(Math.abs(share() - 180 / 1_080)).toBeLessThan(0.01)
  clock.advance(2_500)
  // (2.5 s ÷ 10 s)^(1/2) = 50 %
  expect(Math.abs(share() - 450 / 1_350)).toBeLessThan(0.01)
})
