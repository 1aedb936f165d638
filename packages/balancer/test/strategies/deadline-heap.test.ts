import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { DeadlineHeap } from '../../src/strategies/deadline-heap.ts'

const step = fc.record({
  kind: fc.constantFrom('add', 'add', 'add', 'add', 'remove', 'move', 'postpone'),
  slot: fc.nat(80),
  deadline: fc.nat(1_000),
})

test('always returns the earliest, after any additions, moves and removals', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
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
        if (model.size === 0) continue
        const told = [heap.size, heap.firstDeadline, model.get(heap.first)]
        const earliest = Math.min(...model.values())
        expect(told).toEqual([model.size, earliest, earliest])
      }
      expect([...model.keys()].map((slot) => heap.deadlineOf(slot))).toEqual([...model.values()])
      // to the end, as a wrong position deep in the heap shows last
      const order = [...model.values()].toSorted((a, b) => a - b)
      const drained = order.map(() => {
        const { firstDeadline } = heap
        heap.remove(heap.first)
        return firstDeadline
      })
      expect(drained).toEqual(order)
    }),
    { numRuns: 50 },
  )
})
