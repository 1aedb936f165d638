import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { hash32 } from '../../src/hash.ts'
import { Member } from '../../src/member.ts'
import { HashRing } from '../../src/strategies/hash-ring.ts'
import { instance } from '../support.ts'

const memberOf = (id: string): Member => new Member(instance(id), { settle: () => {} })

/** The instance of each of many keys, by place on the ring. */
const ownersOf = (ring: HashRing, keys = 200): readonly (string | undefined)[] =>
  Array.from({ length: keys }, (_, key) => ring.at(ring.find(hash32(`key ${key}`)))?.id)

const walk = (ring: HashRing): readonly (string | undefined)[] => {
  const ids: (string | undefined)[] = []
  let place = ring.find(0)
  for (let step = 0; step < ring.size; step += 1) {
    ids.push(ring.at(place)?.id)
    place = ring.after(place)
  }
  return ids
}

test('equals after any changes the ring that is built from the remaining instances', () => {
  const change = fc.record({
    id: fc.integer({ min: 0, max: 30 }),
    points: fc.constantFrom(0, 0, 1, 7, 40, 160),
  })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 80, size: 'max' }), (changes) => {
      const ring = new HashRing()
      const members = new Map<number, Member>()
      const counts = new Map<number, number>()
      for (const { id, points } of changes) {
        const member = members.get(id) ?? memberOf(`i${id}`)
        if (points === 0 && !counts.has(id)) continue
        members.set(id, member)
        ring.set(member, points)
        if (points === 0) counts.delete(id)
        else counts.set(id, points)
      }
      const fresh = new HashRing()
      for (const [id, points] of [...counts].toReversed()) fresh.set(memberOf(`i${id}`), points)
      expect(ring.size).toBe(fresh.size)
      if (ring.size === 0) return
      expect(walk(ring)).toEqual(walk(fresh))
      expect(ownersOf(ring)).toEqual(ownersOf(fresh))
    }),
    { numRuns: 100 },
  )
})

test('only the keys of a removed instance move, and keys move only to an added one', () => {
  const ring = new HashRing()
  const members = Array.from({ length: 40 }, (_, index) => memberOf(`i${index}`))
  for (const member of members) ring.set(member, 160)
  const before = ownersOf(ring, 5_000)
  ring.set(members[7]!, 0)
  const without = ownersOf(ring, 5_000)
  expect(without.filter((_, key) => before[key] !== 'i7')).toEqual(
    before.filter((owner) => owner !== 'i7'),
  )
  expect(without).not.toContain('i7')
  ring.set(memberOf('i7'), 160)
  expect(ownersOf(ring, 5_000)).toEqual(before)
})

test('the keys are spread evenly, within half', () => {
  const ring = new HashRing()
  for (let index = 0; index < 40; index += 1) ring.set(memberOf(`i${index}`), 160)
  const counts = Map.groupBy(ownersOf(ring, 40_000), (id) => id)
  expect(counts.size).toBe(40)
  for (const keys of counts.values()) {
    expect(keys.length).toBeGreaterThan(500)
    expect(keys.length).toBeLessThan(1_500)
  }
})
