import { describe, expect, test } from 'vitest'
import { contractCases } from '../src/contract-cases.ts'
import { selectCases } from '../src/select-cases.ts'
import { shareOut } from '../src/share-out.ts'

const needed = contractCases.flatMap(({ needs }) => needs)
const all = selectCases(contractCases, needed)

describe('the cases', () => {
  test('run one after the other on one harness, in their order', () => {
    expect(shareOut(all, 1)).toEqual({ alone: all, beside: [] })
  })

  test('each run once, on one of several harnesses', () => {
    const { alone, beside } = shareOut(all, 3)
    expect(beside).toHaveLength(3)
    expect([...alone, ...beside.flat()].toSorted(byName)).toEqual(all.toSorted(byName))
    const counts = beside.map(({ length }) => length)
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
  })

  test('with many instances run alone', () => {
    const { alone, beside } = shareOut(all, 2)
    const isLarge = ({ contractCase: { name } }: (typeof all)[number]) => /^(R10|W7) /.test(name)
    expect(alone.filter(isLarge)).toEqual(all.filter(isLarge))
    expect(beside.flat().filter(isLarge)).toEqual([])
  })

  test('that are skipped take no turn', () => {
    const without = selectCases(contractCases, [])
    const { alone, beside } = shareOut(without, 2)
    expect(alone.filter(({ skipped }) => skipped !== undefined)).toHaveLength(
      without.filter(({ skipped }) => skipped !== undefined).length,
    )
    expect(beside.flat().every(({ skipped }) => skipped === undefined)).toBe(true)
  })
})

const byName = (one: (typeof all)[number], other: (typeof all)[number]): number =>
  one.contractCase.name < other.contractCase.name ? -1 : 1
