import { isHeldBy, jsonFormat, putConflict, type Standing } from '@sd/core/driver'
import { describe, expect, test } from 'vitest'

const instance = { service: 's', id: 'i', endpoints: [], weight: 100, tags: [], metadata: {} }
const held = (owner: string, claimedAtMs: number, ownSession = false): Standing => ({
  decoded: { instance, claim: { owner, claimedAtMs, seq: 0 } },
  ownSession,
})
const claimless = (ownSession: boolean): Standing => ({ decoded: { instance }, ownSession })
const unreadable: Standing = { decoded: { skipped: 'nonsense' }, ownSession: false }
const mine = { owner: 'me', claimedAtMs: 5, seq: 0 }
const anonymous = { ...jsonFormat, carriesClaims: false }

describe('putConflict', () => {
  test.each([
    ['nothing', undefined, 'free', 'free'],
    ['our own record, also with a later claim', held('me', 9), 'free', 'free'],
    ['a lower claim', held('rival', 4), 'conflict', 'free'],
    ['a higher claim', held('rival', 6), 'conflict', 'conflict'],
    ['a rival’s record in our own session', held('rival', 6, true), 'conflict', 'conflict'],
    ['a record without a claim', claimless(false), 'conflict', 'free'],
    ['a record without a claim, of our session', claimless(true), 'free', 'free'],
    ['what cannot be read', unreadable, 'conflict', 'free'],
  ])('%s', (_, standing, ifAbsent, ifNewer) => {
    const outcome = (mode: 'if-absent' | 'if-newer'): string =>
      putConflict(jsonFormat, standing, { claim: mine, mode })?.result ?? 'free'
    expect([outcome('if-absent'), outcome('if-newer')]).toEqual([ifAbsent, ifNewer])
  })

  test('names the holder, whose claim a takeover has to beat', () => {
    const outcome = putConflict(jsonFormat, held('rival', 6), { claim: mine, mode: 'if-newer' })
    expect(outcome).toEqual({
      result: 'conflict',
      holder: { owner: 'rival', claimedAtMs: 6, seq: 0 },
    })
  })

  test('never replaces another session’s record in a format without claims', () => {
    const request = { claim: mine, mode: 'if-newer' } as const
    expect(putConflict(anonymous, claimless(false), request)).toEqual({ result: 'conflict' })
    expect(putConflict(anonymous, claimless(true), request)).toBeUndefined()
    expect(putConflict(anonymous, unreadable, request)).toBeUndefined()
  })
})

test('isHeldBy asks the claim, and only without one the session', () => {
  expect(isHeldBy(held('me', 1), 'me')).toBe(true)
  expect(isHeldBy(held('rival', 1, true), 'me')).toBe(false)
  expect(isHeldBy(claimless(true), 'me')).toBe(true)
  expect(isHeldBy(unreadable, 'me')).toBe(false)
})
