import { createPicker } from '@sd/balancer'
import { expect, test } from 'vitest'
import { added, instance, instances, removed, seeded, tally, updated } from './support.ts'

test('a suspended instance is not picked, and its statistics are kept', () => {
  const picker = createPicker({ random: seeded(1) })
  picker.apply(added(...instances(2)))
  picker.pick({ exclude: new Set(['i1']) })
  picker.suspend('i0')
  expect([picker.size, picker.instances.length]).toEqual([1, 2])
  expect(tally(() => picker.pick(), 20)).toEqual({ i1: 20 })
  picker.suspend('i1')
  expect(() => picker.pick()).toThrow('of 2 registered instances 2 are suspended')
  picker.resume('i0')
  picker.resume('i1')
  // one call is still in flight at i0
  expect(tally(() => picker.pick(), 20)).toEqual({ i1: 20 })
})

test('a suspension ends with the registration, not with an update', () => {
  const picker = createPicker()
  const one = instance('a')
  picker.suspend('a')
  picker.apply(added(one))
  expect(picker.size).toBe(1)
  picker.suspend('a')
  picker.apply(updated(one, { weight: 5 }))
  picker.apply(updated({ ...one, weight: 5 }, { endpoints: ['http://elsewhere:1'] }))
  expect(picker.size).toBe(0)
  picker.apply(removed(one))
  picker.apply(added(one))
  expect(picker.size).toBe(1)
})

test('an instance with only new endpoints counts as another one', () => {
  const picker = createPicker({ random: seeded(1) })
  const [one, other] = [instance('a'), instance('b')]
  picker.apply(added(one, other))
  const old = picker.pick({ exclude: new Set(['b']) })
  const moved = { ...one, endpoints: ['http://elsewhere:1'] }
  expect(picker.apply(updated(one, { endpoints: moved.endpoints }))).toEqual([
    { type: 'updated', instance: moved, previous: one },
  ])
  // a call to the old instance does not count for the new one
  expect(Object.keys(tally(() => picker.pick(), 100)).toSorted()).toEqual(['a', 'b'])
  old.done()
  expect(Object.keys(tally(() => picker.pick(), 100)).toSorted()).toEqual(['a', 'b'])
})
