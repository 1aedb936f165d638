import {
  auditRecord,
  type ExistingRecord,
  editedValue,
  type InstanceRecord,
  isHeldBy,
  jsonFormat,
  type OwnSession,
  putConflict,
  removalRefusal,
  toRecordKey,
} from '@sd/core/driver'
import { describe, expect, test } from 'vitest'

const key = toRecordKey('s/i')
const instance = {
  service: 's',
  id: 'i',
  endpoints: [],
  weight: 100,
  health: 'passing',
  tags: [],
  metadata: {},
}
const value = Buffer.from('stored')
const ref = { service: 's', id: 'i', owner: 'me' }

const session: OwnSession = {
  id: 'current',
  format: jsonFormat,
  ownSessions: new Set(['current', 'earlier']),
}
const withoutClaims = {
  ...session,
  format: { ...jsonFormat, lacks: ['claim'] },
} satisfies OwnSession

const held = (owner: string, claimedAtMs: number, sessionId?: string): ExistingRecord => ({
  record: { key, instance, claim: { owner, claimedAtMs, seq: 0 } },
  value,
  sessionId,
})
const claimless = (sessionId: string): ExistingRecord => ({
  record: { key, instance },
  value,
  sessionId,
})
const unreadable: ExistingRecord = {
  record: { key, reason: 'nonsense' },
  value,
  sessionId: undefined,
}
const mine = { owner: 'me', claimedAtMs: 5, seq: 0 }

describe('putConflict', () => {
  test.each([
    ['nothing', undefined, 'free', 'free'],
    ['a record of the same owner, also with a later claim', held('me', 9), 'free', 'free'],
    ['a lower claim', held('rival', 4), 'conflict', 'free'],
    ['a higher claim', held('rival', 6), 'conflict', 'conflict'],
    [
      'another owner’s record in a session of this driver',
      held('rival', 6, 'current'),
      'conflict',
      'conflict',
    ],
    ['a record without a claim', claimless('rival'), 'conflict', 'free'],
    ['a record without a claim, of this session', claimless('current'), 'free', 'free'],
    ['a record without a claim, of an earlier session', claimless('earlier'), 'free', 'free'],
    ['a record that cannot be read', unreadable, 'conflict', 'free'],
  ])('%s', (_, existing, ifAbsent, ifNewer) => {
    const outcome = (mode: 'if-absent' | 'if-newer'): string =>
      putConflict(session, existing, { claim: mine, mode })?.result ?? 'free'
    expect([outcome('if-absent'), outcome('if-newer')]).toEqual([ifAbsent, ifNewer])
  })

  test('names the holder, whose claim a takeover must exceed', () => {
    const outcome = putConflict(session, held('rival', 6), { claim: mine, mode: 'if-newer' })
    expect(outcome).toEqual({
      result: 'conflict',
      holder: { owner: 'rival', claimedAtMs: 6, seq: 0 },
    })
  })

  test('in a format without claims, replaces only records of this driver’s sessions', () => {
    const request = { claim: mine, mode: 'if-newer' } as const
    expect(putConflict(withoutClaims, claimless('rival'), request)).toEqual({ result: 'conflict' })
    expect(putConflict(withoutClaims, claimless('current'), request)).toBeUndefined()
    expect(putConflict(withoutClaims, claimless('earlier'), request)).toBeUndefined()
    expect(putConflict(withoutClaims, unreadable, request)).toBeUndefined()
  })
})

describe('in a format that other programs write, too', () => {
  const shared = {
    ...session,
    format: { ...jsonFormat, foreignWriters: true },
  } satisfies OwnSession

  test('a put replaces no record without a claim, unless a session of this driver wrote it', () => {
    const request = { claim: mine, mode: 'if-newer' } as const
    expect(putConflict(shared, claimless('rival'), request)).toEqual({ result: 'conflict' })
    expect(putConflict(shared, claimless('earlier'), request)).toBeUndefined()
    expect(putConflict(shared, held('rival', 4), request)).toBeUndefined()
    expect(putConflict(shared, unreadable, request)).toBeUndefined()
  })

  test('an audit tells a record without a claim, which supersedes', () => {
    const foreign = (existing: ExistingRecord): unknown =>
      auditRecord(shared, ref, existing, value).foreign
    expect(foreign(claimless('rival'))).toBe(true)
    expect(foreign(claimless('earlier'))).toBeUndefined()
    expect(foreign(held('rival', 4))).toBeUndefined()
    expect(foreign(unreadable)).toBeUndefined()
    expect(auditRecord(session, ref, claimless('rival'), value).foreign).toBeUndefined()
  })
})

test('isHeldBy compares the claim’s owner, and without a claim the session that wrote the record', () => {
  expect(isHeldBy(session, held('me', 1), 'me')).toBe(true)
  expect(isHeldBy(session, held('rival', 1, 'current'), 'me')).toBe(false)
  expect(isHeldBy(session, claimless('current'), 'me')).toBe(true)
  expect(isHeldBy(session, claimless('earlier'), 'me')).toBe(true)
  expect(isHeldBy(session, claimless('rival'), 'me')).toBe(false)
  expect(isHeldBy(session, unreadable, 'me')).toBe(false)
})

test('removalRefusal protects another owner’s record, and allows removals over all sessions of the owner', () => {
  expect(removalRefusal(session, undefined, 'me')).toEqual({ result: 'absent' })
  expect(removalRefusal(session, held('me', 1, 'anybody'), 'me')).toBeUndefined()
  expect(removalRefusal(session, claimless('earlier'), 'me')).toBeUndefined()
  expect(removalRefusal(session, held('rival', 1, 'current'), 'me')).toEqual({ result: 'not-ours' })
  expect(removalRefusal(session, unreadable, 'me')).toEqual({ result: 'not-ours' })
})

describe('auditRecord', () => {
  const other = Buffer.from('other')

  test.each([
    ['nothing', undefined, value, 'missing'],
    ['the content that was sent', held('me', 1, 'current'), value, 'ours'],
    ['other content', held('me', 1, 'current'), other, 'edited'],
    ['a record that was never sent', held('me', 1, 'current'), undefined, 'edited'],
    ['the same content in an earlier session', held('me', 1, 'earlier'), value, 'replaced'],
    ['a record without a claim in an earlier session', claimless('earlier'), value, 'replaced'],
    [
      'another owner’s record, also in a session of this driver',
      held('rival', 1, 'current'),
      value,
      'replaced',
    ],
    ['a record that cannot be read', unreadable, value, 'replaced'],
    [
      'a record that cannot be read, in a session of this driver',
      { ...unreadable, sessionId: 'current' },
      other,
      'edited',
    ],
  ])('%s is %s', (_, existing, sent, state) => {
    expect(auditRecord(session, ref, existing, sent)).toMatchObject({ ...ref, state })
  })

  test('returns the stored record, if it can be read', () => {
    const rival = held('rival', 1)
    expect(auditRecord(session, ref, rival, value).record).toBe(rival.record)
    expect('record' in auditRecord(session, ref, unreadable, value)).toBe(false)
    expect('record' in auditRecord(session, ref, held('me', 1, 'current'), value)).toBe(false)
  })
})

describe('editedValue', () => {
  const claim = { owner: 'them', claimedAtMs: 7, seq: 2 }
  const stored = (seq: number): Uint8Array =>
    jsonFormat.encode({
      instance,
      claim: { ...claim, seq },
      mode: 'if-newer',
      ttlMs: 9,
      registeredAtMs: 8,
    })
  const read: InstanceRecord = { key, instance, claim, ttlMs: 9, registeredAtMs: 8 }
  const { claim: _claim, ...document } = JSON.parse(Buffer.from(stored(2)).toString()) as {
    readonly claim: unknown
  }
  const unclaimed = Buffer.from(JSON.stringify(document))

  test('keeps the owner and counts its edits', () => {
    const edited = editedValue(jsonFormat, read, stored(2), { ...instance, weight: 0 })
    expect(jsonFormat.decode(key, edited as Uint8Array)).toMatchObject({
      instance: { weight: 0 },
      claim: { ...claim, seq: 3 },
      ttlMs: 9,
      registeredAtMs: 8,
    })
    expect(jsonFormat.decode(key, edited as Uint8Array)).not.toHaveProperty('unknownFields')
  })

  test('keeps the fields that this version does not know', () => {
    const found = Buffer.from(
      JSON.stringify({ ...document, claim: { owner: 'them', at: 7, seq: 2 }, shard: 7 }),
    )
    const edited = editedValue(jsonFormat, read, found, { ...instance, weight: 0 })
    expect(jsonFormat.decode(key, edited as Uint8Array)).toMatchObject({
      unknownFields: { shard: 7 },
    })
  })

  test.each([
    ['a record that is gone', read, undefined, 'absent'],
    ['a record that was edited since', read, stored(3), 'changed'],
    ['a record that cannot be read any more', read, Buffer.from('?'), 'changed'],
    ['a record that was read without a claim', { key, instance }, stored(2), 'changed'],
    ['another owner', { ...read, claim: { ...claim, owner: 'me' } }, stored(2), 'changed'],
    [
      'a later registration',
      { ...read, claim: { ...claim, claimedAtMs: 6 } },
      stored(2),
      'changed',
    ],
    ['a record that has lost its claim', read, unclaimed, 'changed'],
  ])('leaves %s alone', (_, record, found, result) => {
    expect(editedValue(jsonFormat, record, found, instance)).toBe(result)
  })
})
