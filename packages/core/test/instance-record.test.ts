import { expect, test } from 'vitest'
import {
  freezeRecord,
  highestRecord,
  type InstanceRecord,
  toRecordKey,
} from '../src/model/instance-record.ts'

const record = (key: string, claimedAtMs?: number): InstanceRecord => ({
  key: toRecordKey(key),
  instance: {
    service: 'a',
    id: '1',
    endpoints: ['http://10.0.0.1:80'],
    weight: 1,
    health: 'passing',
    tags: ['t'],
    metadata: { k: 'v' },
  },
  ...(claimedAtMs === undefined ? {} : { claim: { owner: 'o', claimedAtMs, seq: 0 } }),
})

test.each([
  ['the higher claim', record('a', 1), record('b', 2), 'b'],
  ['a claim before none', record('a'), record('b', 0), 'b'],
  ['of equal claims the first key', record('b', 1), record('a', 1), 'a'],
  ['without claims the first key', record('b'), record('a'), 'a'],
])('of two records of one id, %s is served', (_, one, other, key) => {
  expect(highestRecord([one, other])?.key).toBe(key)
  expect(highestRecord([other, one])?.key).toBe(key)
})

test('no record is the highest of none', () => {
  expect(highestRecord([])).toBeUndefined()
})

test('a frozen record is frozen throughout', () => {
  const frozen = freezeRecord(record('a', 1))
  const { instance, claim } = frozen
  for (const part of [
    frozen,
    instance,
    instance.tags,
    instance.metadata,
    instance.endpoints,
    claim,
  ])
    expect(Object.isFrozen(part)).toBe(true)
  expect(freezeRecord(record('a'))).not.toHaveProperty('claim')
})
