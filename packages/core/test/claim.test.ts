import { expect, test } from 'vitest'
import { type Claim, claimWins, compareClaims } from '../src/model/claim.ts'

const claim = (owner: string, claimedAtMs: number, seq = 0): Claim => ({ owner, claimedAtMs, seq })

test('claims are ordered by time, then owner, then edit', () => {
  const sorted = [claim('a', 1), claim('b', 1), claim('b', 1, 1), claim('a', 2)]
  expect(sorted.toReversed().toSorted(compareClaims)).toEqual(sorted)
})

test('the claim of the same owner always wins, that of another owner only if it is higher', () => {
  expect(claimWins(claim('a', 1), undefined)).toBe(true)
  expect(claimWins(claim('a', 1), claim('a', 9, 9))).toBe(true)
  expect(claimWins(claim('a', 1), claim('b', 2))).toBe(false)
  expect(claimWins(claim('a', 3), claim('b', 2))).toBe(true)
  expect(claimWins(claim('b', 2), claim('a', 2))).toBe(true)
  expect(claimWins(claim('a', 2), claim('b', 2))).toBe(false)
})
