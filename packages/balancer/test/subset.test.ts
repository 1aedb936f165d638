import { createPicker } from '@sd/balancer'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { added, instances, removed, tally, updated } from './support.ts'

const open = (size: number, clientId?: string) => {
  const picker = createPicker({ subset: { size, ...(clientId === undefined ? {} : { clientId }) } })
  return { picker, ids: () => picker.instances.map(({ id }) => id).toSorted() }
}

test('picks only among that many instances, always the same for a client', () => {
  const all = instances(50)
  const [one, same, other] = [open(8, 'a'), open(8, 'a'), open(8, 'b')]
  one.picker.apply(added(...all))
  same.picker.apply(added(...all.toReversed()))
  other.picker.apply(added(...all))
  expect(one.ids()).toHaveLength(8)
  expect(one.ids()).toEqual(same.ids())
  expect(one.ids()).not.toEqual(other.ids())
  expect(Object.keys(tally(() => one.picker.pick(), 500)).toSorted()).toEqual(one.ids())
})

test('when one is removed, added, drained or restored, at most one place changes', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 12 }),
      fc.array(fc.tuple(fc.nat(19), fc.boolean()), { maxLength: 40, size: 'max' }),
      (size, steps) => {
        const all = instances(20)
        const { picker, ids } = open(size, 'client')
        picker.apply(added(...all.slice(0, 10)))
        const present = new Set(all.slice(0, 10))
        const drained = new Set<string>()
        for (const [index, leaves] of steps) {
          const one = all[index]!
          const before = ids()
          if (!present.has(one)) {
            present.add(one)
            picker.apply(added(one))
          } else if (leaves) {
            present.delete(one)
            drained.delete(one.id)
            picker.apply(removed(one))
          } else {
            const weight = drained.has(one.id) ? 100 : 0
            if (weight === 0) drained.add(one.id)
            else drained.delete(one.id)
            picker.apply(updated(one, { weight }))
          }
          const after = ids()
          expect(after.filter((id) => !before.includes(id)).length).toBeLessThanOrEqual(1)
          expect(before.filter((id) => !after.includes(id)).length).toBeLessThanOrEqual(1)
          expect(after).toHaveLength(Math.min(size, present.size - drained.size))
        }
      },
    ),
    { numRuns: 100 },
  )
})

test('subsets of 20 among 100 for 150 clients: 30 in the mean, and no instance is left out', () => {
  const counts = new Map<string, number>()
  for (let client = 0; client < 150; client += 1) {
    const { picker, ids } = open(20, `c${client}`)
    picker.apply(added(...instances(100)))
    for (const id of ids()) counts.set(id, (counts.get(id) ?? 0) + 1)
  }
  expect(counts.size).toBe(100)
  expect(Math.min(...counts.values())).toBeGreaterThanOrEqual(14)
  expect(Math.max(...counts.values())).toBeLessThanOrEqual(50)
})

test('without a client id each picker has its own subset', () => {
  const [one, other] = [open(5), open(5)]
  one.picker.apply(added(...instances(100)))
  other.picker.apply(added(...instances(100)))
  expect(one.ids()).not.toEqual(other.ids())
})
