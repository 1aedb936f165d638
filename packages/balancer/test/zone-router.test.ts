import { createPicker } from '@sd/balancer'
import { describe, expect, test } from 'vitest'
import {
  added,
  instance,
  instances,
  ManualClock,
  removed,
  seeded,
  tally,
  updated,
} from './support.ts'

const inZone = (zone: string | undefined, count: number, weight = 100) =>
  Array.from({ length: count }, (_, index) =>
    instance(`${zone}-${index}`, { weight, ...(zone === undefined ? {} : { zone }) }),
  )

const sharesOf = (picker: ReturnType<typeof createPicker>, picks = 20_000) => {
  const shares: Record<string, number> = {}
  for (const [id, count] of Object.entries(tally(() => picker.pick(), picks))) {
    const [zone = ''] = id.split('-')
    shares[zone] = (shares[zone] ?? 0) + count / picks
  }
  return shares
}

const open = (...present: readonly ReturnType<typeof instance>[]) => {
  const picker = createPicker({ zone: 'a', random: seeded(8) })
  picker.apply(added(...present))
  return picker
}

test('with as much capacity as other zones every call stays', () => {
  expect(sharesOf(open(...inZone('a', 3), ...inZone('b', 3), ...inZone('c', 3)))).toEqual({ a: 1 })
})

test('calls beyond the local capacity go to zones with spare capacity', () => {
  // a: 1 of 9, b: 2 of 9, c: 6 of 9; a third of all calls begins in each
  const shares = sharesOf(open(...inZone('a', 1), ...inZone('b', 2), ...inZone('c', 6)))
  expect(shares['a']).toBeCloseTo(1 / 3, 1)
  expect(shares['b']).toBeUndefined()
  expect(shares['c']).toBeCloseTo(2 / 3, 1)
})

test('capacity is weight, not number', () => {
  const shares = sharesOf(open(...inZone('a', 4, 25), ...inZone('b', 1, 300)))
  expect(shares['a']).toBeCloseTo(0.5, 1)
})

test('without a local instance calls go to all others, also to those without a zone', () => {
  const shares = sharesOf(open(...inZone('b', 3), ...inZone(undefined, 2)))
  expect(shares['a']).toBeUndefined()
  expect(shares['undefined']).toBeGreaterThan(0.5)
  expect(shares['b']).toBeGreaterThan(0.1)
})

test('follows changes: an instance that moves, loses weight, or is removed', () => {
  const [only] = inZone('a', 1)
  const picker = open(only!, ...inZone('b', 1))
  expect(sharesOf(picker, 200)).toEqual({ a: 1 })
  picker.apply(updated(only!, { zone: 'b' }))
  expect(picker.pick().instance.zone).toBe('b')
  picker.apply(updated({ ...only!, zone: 'b' }, { zone: 'a', weight: 1 }))
  expect(sharesOf(picker, 5_000)['b']).toBeGreaterThan(0.9)
  picker.apply(removed(only!))
  expect(sharesOf(picker, 200)).toEqual({ b: 1 })
})

test('a local instance that loses weight keeps fewer calls', () => {
  const [one] = inZone('a', 1)
  const picker = open(one!, ...inZone('b', 1))
  picker.apply(updated(one!, { weight: 25 }))
  // 25 · 2 ÷ 125
  expect(sharesOf(picker)['a']).toBeCloseTo(0.4, 1)
})

test('an instance that moved to a zone can be removed from it', () => {
  const [one] = inZone('a', 1)
  const [other] = inZone('b', 1)
  const picker = open(one!, other!)
  picker.apply(updated(one!, { zone: 'b' }))
  expect(Object.keys(tally(() => picker.pick(), 100)).toSorted()).toEqual(['a-0', 'b-0'])
  picker.apply(removed({ ...one!, zone: 'b' }))
  expect(Object.keys(tally(() => picker.pick(), 100))).toEqual(['b-0'])
  picker.apply(removed(other!))
  expect(() => picker.pick()).toThrow('no instance is registered')
})

test('when no local instance matches, another zone is used', () => {
  const [local] = inZone('a', 1)
  const picker = open(local!, ...inZone('b', 1))
  expect(picker.pick({ exclude: new Set([local!.id]) }).instance.zone).toBe('b')
})

test('with fewer instances than minInstances zones are ignored', () => {
  const picker = createPicker({ zone: { local: 'a', minInstances: 6 }, random: seeded(8) })
  picker.apply(added(...inZone('a', 1), ...inZone('b', 4)))
  expect(sharesOf(picker)['b']).toBeGreaterThan(0.7)
})

describe('with consistent hash', () => {
  const strategy = 'consistent-hash'

  test('a key has one zone, and one instance there', () => {
    const create = () => {
      const picker = createPicker({ strategy, zone: 'a' })
      picker.apply(added(...inZone('a', 2), ...inZone('b', 6), ...inZone('c', 6)))
      return picker
    }
    const [one, other] = [create(), create()]
    const ids = new Set<string>()
    for (let key = 0; key < 500; key += 1) {
      const picks = [one, other].map((picker) => picker.pick({ key: `k${key}` }))
      expect(picks[0]?.instance).toEqual(picks[1]?.instance)
      ids.add(picks[0]!.instance.id)
      for (const picked of picks) picked.done()
    }
    expect(ids.size).toBe(14)
  })
})

test('the calls of an ejected local instance go to other zones', () => {
  const clock = new ManualClock()
  const options = { zone: 'a', clock, random: seeded(8), outlier: { maxEjectionPercent: 50 } }
  const picker = createPicker(options)
  const local = inZone('a', 1)
  picker.apply(added(...local, ...instances(3, () => ({ zone: 'b' }))))
  for (let call = 0; call < 5; call += 1) {
    const only = new Set(['i0', 'i1', 'i2'])
    picker.pick({ exclude: only }).done({ error: new Error('no') })
  }
  expect(picker.pick().instance.zone).toBe('b')
  clock.advance(40_000)
  expect(picker.pick({ exclude: new Set(['i0', 'i1', 'i2']) }).instance.zone).toBe('a')
})
