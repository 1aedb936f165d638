import { expect, test } from 'vitest'
import { compare, describeComparison, median } from '../src/compare.ts'

test('the median is the middle one, or the mean of the two', () => {
  expect(median([5, 1, 3])).toBe(3)
  expect(median([4, 1, 3, 2])).toBe(2.5)
})

test('both sides run in turn, and the warm-up does not count', async () => {
  const order: string[] = []
  let base = 1_000
  let other = 1_000
  const comparison = await compare(
    'x',
    2,
    async () => {
      order.push('base')
      base = order.length <= 4 ? 1_000 : 10
      return base
    },
    async () => {
      order.push('other')
      other = order.length <= 4 ? 1_000 : 25
      return other
    },
    { rounds: 3, warmUp: 2 },
  )
  expect(order.slice(0, 4)).toEqual(['base', 'other', 'other', 'base'])
  expect(order).toHaveLength(10)
  expect(comparison).toMatchObject({ baseMs: 10, otherMs: 25, ratio: 2.5, spread: [2.5, 2.5] })
  expect(describeComparison(comparison)).toMatch(/^OVER 2\.50× \(limit 2×\)/)
})
