import { expect, test } from 'vitest'
import { servedRecords } from '../src/discovery.ts'
import {
  freezeRecord,
  highestRecord,
  instanceKey,
  instanceKeyOf,
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

test('each id is served once, by the highest of its claims, in whatever order they are read', () => {
  const [low, high] = [record('x', 1), record('y', 2)]
  for (const records of [
    [low, high],
    [high, low],
  ])
    expect(servedRecords(records).map(({ key }) => key)).toEqual(['y'])
})

test('an instance has the same key, whatever the key of its record', () => {
  const keyOf = (key: string, id: string): string => {
    const { instance, ...rest } = record(key)
    return instanceKeyOf({ ...rest, instance: { ...instance, id } })
  }
  expect(keyOf('a/1', '1')).toBe(instanceKey('a', '1'))
  expect(keyOf('a/x/1', '1')).toBe(instanceKey('a', '1'))
  expect(keyOf('a/2', 'a')).toBe(instanceKey('a', 'a'))
  expect(keyOf('x/a', 'a')).toBe(instanceKey('a', 'a'))
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
