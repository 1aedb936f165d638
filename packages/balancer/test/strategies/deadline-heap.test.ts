import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { DeadlineHeap } from '../../src/strategies/deadline-heap.ts'

const step = fc.record({
  kind: fc.constantFrom('add', 'add', 'add', 'add', 'remove', 'move', 'postpone'),
  slot: fc.nat(80),
  deadline: fc.nat(1_000),
})

test('always knows the earliest, whatever is added, moved and removed', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const heap = new DeadlineHeap()
      const model = new Map<number, number>()
      for (const { kind, slot, deadline } of steps) {
        const known = model.has(slot)
        if (kind === 'add' && !known) {
          heap.add(slot, deadline)
          model.set(slot, deadline)
        } else if (kind === 'remove' && known) {
          heap.remove(slot)
          model.delete(slot)
        } else if (kind === 'move' && known) {
          heap.move(slot, deadline)
          model.set(slot, deadline)
        } else if (kind === 'postpone' && model.size > 0) {
          model.set(heap.first, heap.firstDeadline + deadline)
          heap.postpone(heap.firstDeadline + deadline)
        }
        expect(heap.size).toBe(model.size)
        if (model.size === 0) continue
        expect(heap.firstDeadline).toBe(Math.min(...model.values()))
        expect(model.get(heap.first)).toBe(heap.firstDeadline)
        for (const [other, expected] of model) expect(heap.deadlineOf(other)).toBe(expected)
      }
      // to the end, as a place that is wrong further down shows last
      const order = [...model.values()].toSorted((a, b) => a - b)
      for (const deadline of order) {
        expect(heap.firstDeadline).toBe(deadline)
        heap.remove(heap.first)
      }
    }),
    { numRuns: 200 },
  )
})
