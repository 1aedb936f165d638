import { groupBySize } from '@sd/core/driver'
import { describe, expect, test } from 'vitest'

const group = (...sizes: number[]): number[][] => groupBySize(sizes, 10, (size) => size)

describe('groupBySize', () => {
  test('fills each group before it begins the next, in order', () => {
    expect(group(4, 6, 1, 9, 3)).toEqual([[4, 6], [1, 9], [3]])
    expect(group(4, 7, 3)).toEqual([[4], [7, 3]])
    expect(group()).toEqual([])
  })

  test('puts an item that is too large into a group of its own', () => {
    expect(group(2, 11, 3)).toEqual([[2], [11], [3]])
    expect(group(11)).toEqual([[11]])
  })
})
