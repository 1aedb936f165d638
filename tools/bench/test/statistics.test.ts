import { expect, test } from 'vitest'
import { median, quantile, ratioOf, summarize } from '../src/frame/statistics.ts'

test('quantiles are interpolated between the two nearest values', () => {
  expect(median([5, 1, 3])).toBe(3)
  expect(median([4, 1, 3, 2])).toBe(2.5)
  expect(quantile([0, 100], 0.99)).toBe(99)
  expect(median([])).toBeNaN()
})

test('a summary keeps the median of each sample', () => {
  expect(summarize([[1, 2, 9], [4]])).toEqual({
    median: 3,
    p99: expect.closeTo(8.85),
    min: 1,
    max: 9,
    values: 4,
    medians: [2, 4],
  })
})

test('a ratio is of the medians of the samples, with the range of the rounds', () => {
  const side = summarize([[3], [8], [5]])
  const against = summarize([[1], [4], [5]])
  expect(ratioOf(side, against)).toEqual({ ratio: 5 / 4, lowest: 1, highest: 3 })
})
