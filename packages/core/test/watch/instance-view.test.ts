import { expect, test } from 'vitest'
import type { InstanceRecord, Observation, SkippedRecord } from '@sd/core/driver'
import {
  highestRecord,
  instanceKey,
  instanceKeyOf,
  toRecordKey,
} from '../../src/model/instance-record.ts'
import { sameInstance, type ServiceInstance } from '../../src/model/service-instance.ts'
import { InstanceView } from '../../src/watch/instance-view.ts'
import { ServicesView } from '../../src/watch/services-view.ts'

/** Small numbers that repeat for the same seed. */
const drawing = (seed: number) => {
  let state = seed
  return (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return (state >>> 16) % below
  }
}

// two of them are those of an instance, which may be another one's than the record's
const keys = ['k1', 'k2', 'a/i0', 'a/i1'].map(toRecordKey)

const drawRecord = (draw: (below: number) => number): InstanceRecord => {
  const instance = {
    service: 'a',
    id: `i${draw(3)}`,
    endpoints: ['http://10.0.0.1:80'],
    weight: draw(2),
    health: 'passing',
    tags: [],
    metadata: {},
  }
  const key = keys[draw(keys.length)] ?? toRecordKey('')
  const claim = { owner: `o${draw(2)}`, claimedAtMs: draw(3), seq: 0 }
  return { key, instance, ttlMs: 1_000 + draw(3), ...(draw(4) === 0 ? {} : { claim }) }
}

const drawObservation = (draw: (below: number) => number) => {
  // a driver reports a key once
  const records = new Map(
    Array.from({ length: draw(3) }, () => drawRecord(draw)).map((one) => [one.key, one]),
  )
  const others = keys.filter((key) => !records.has(key))
  const skipped = others.filter(() => draw(5) === 0).map((key) => ({ key, reason: 'garbage' }))
  const removed = others.filter(() => draw(4) === 0)
  const read = { records: [...records.values()], skipped }
  const observation: Exclude<Observation, { type: 'alive' }> =
    draw(5) === 0 ? { type: 'snapshot', ...read } : { type: 'changes', removed, ...read }
  return observation
}

/** What is served by id: of the records with the id, the one with the highest claim. */
const servedOf = (records: ReadonlyMap<string, InstanceRecord>) => {
  const byId = Map.groupBy(records.values(), ({ instance: { service, id } }) =>
    instanceKey(service, id),
  )
  return new Map([...byId].map(([id, some]) => [id, highestRecord(some)]))
}

test('serves the highest claim of each id, and reports what changed', () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const draw = drawing(seed)
    const seen: SkippedRecord[] = []
    const view = new InstanceView((skipped) => seen.push(skipped))
    let records = new Map<string, InstanceRecord>()
    for (let step = 0; step < 30; step += 1) {
      const observation = drawObservation(draw)
      const before = servedOf(records)
      if (observation.type === 'snapshot') records = new Map()
      else for (const key of observation.removed) records.delete(key)
      for (const { key } of observation.skipped) records.delete(key)
      for (const one of observation.records) records.set(one.key, one)
      const after = servedOf(records)
      const expected = new Map<string, object>()
      for (const id of new Set([...before.keys(), ...after.keys()])) {
        const [was, is] = [before.get(id), after.get(id)]
        if (is === undefined) expected.set(id, { value: undefined, ttlMs: was?.ttlMs })
        else if (was === undefined || !sameInstance(was.instance, is.instance))
          expected.set(id, { value: is.instance })
      }
      seen.length = 0
      expect(view.apply(observation), `seed ${seed}, step ${step}`).toEqual(expected)
      expect(seen).toEqual(observation.skipped)
      // of equal claims either may be served
      for (const id of ['i0', 'i1', 'i2'].map((one) => instanceKey('a', one)))
        expect(view.record(id)?.instance).toEqual(after.get(id)?.instance)
    }
  }
})

test('takes the last of several records that one observation has for a key', () => {
  const [one, other] = ['i1', 'i2'].map((id): InstanceRecord => {
    const { instance, ...record } = drawRecord(() => 0)
    return { ...record, instance: { ...instance, id } }
  })
  if (one === undefined || other === undefined) throw new Error('there are two')
  const records = [one, other]
  for (const observation of [
    { type: 'changes', removed: [], skipped: [], records },
    { type: 'snapshot', skipped: [], records },
  ] as const)
    expect(new InstanceView(() => {}).apply(observation)).toEqual(
      new Map([[instanceKey('a', 'i2'), { value: other.instance }]]),
    )
})

test('the change from what a reader knows', () => {
  const view = new InstanceView(() => {})
  const [one, other] = [{ weight: 1 }, { weight: 2 }] as unknown as ServiceInstance[]
  expect(view.toChange(undefined, one)).toEqual({ type: 'added', instance: one })
  expect(view.toChange(one, undefined)).toEqual({ type: 'removed', instance: one })
  expect(view.toChange(one, other)).toEqual({ type: 'updated', instance: other, previous: one })
  expect(new ServicesView().same('a', 'a')).toBe(true)
  expect(new ServicesView().same('a', 'b')).toBe(false)
})

test('different instances have different keys, whatever their names contain', () => {
  const names = ['a', 'a/b', 'b', '/1:a', '3:a', '/3:a', 'a/b/c', '/', '1', 'b/c', 'c']
  const pairs = names.flatMap((service) => names.map((id) => [service, id] as const))
  expect(new Set(pairs.map(([service, id]) => instanceKey(service, id))).size).toBe(pairs.length)
})

test("a record's own key is used where it is the key of its instance, and only there", () => {
  const recordOf = (key: string, service: string, id: string): InstanceRecord => ({
    ...drawRecord(drawing(1)),
    key: toRecordKey(key),
    instance: { ...drawRecord(drawing(1)).instance, service, id },
  })
  for (const [key, service, id] of [
    ['a/b', 'a', 'b'],
    ['a/c', 'a', 'b'],
    ['a-b', 'a', 'b'],
    ['b/b', 'a', 'b'],
    ['a/b/c', 'a', 'b/c'],
    ['a/b/c', 'a/b', 'c'],
    ['a%2Fb/c', 'a/b', 'c'],
  ] as const)
    expect(instanceKeyOf(recordOf(key, service, id)), key).toBe(instanceKey(service, id))
})
