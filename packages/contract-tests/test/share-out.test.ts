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
    expect(alone.map(({ contractCase: { name } }) => name)).toEqual([
      'R10 registers many instances at once with one session',
      'R10 brings many instances back after a session loss',
      'W7 shares one watch of the backend among many watchers of a service',
    ])
    expect(beside.flat()).toHaveLength(all.length - alone.length)
  })

  test.each([1.5, 0, -1, Number.NaN, Number.POSITIVE_INFINITY])(
    'on %s harnesses are refused',
    (harnesses) => {
      expect(() => shareOut(all, harnesses)).toThrow(
        `concurrency is ${harnesses}; expected an integer of at least 1`,
      )
    },
  )

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
