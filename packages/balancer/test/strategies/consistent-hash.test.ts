import { createPicker, type Pick } from '@sd/balancer'
import { expect, test } from 'vitest'
import { added, instances, removed, seeded, updated } from '../support.ts'

const open = (count: number, options: { loadFactor?: number } = {}) => {
  const strategy = { name: 'consistent-hash', ...options } as const
  const picker = createPicker({ strategy, random: seeded(1) })
  const all = instances(count)
  picker.apply(added(...all))
  const ownerOf = (key: string): string => {
    const picked = picker.pick({ key })
    picked.done()
    return picked.instance.id
  }
  return { picker, all, ownerOf }
}

test('a key has the same instance in every process', () => {
  const [one, other] = [open(20), open(20)]
  for (let key = 0; key < 200; key += 1)
    expect(one.ownerOf(`k${key}`)).toBe(other.ownerOf(`k${key}`))
})

test('when an instance leaves only its keys move', () => {
  const { picker, all, ownerOf } = open(20)
  const keys = Array.from({ length: 1_000 }, (_, index) => `k${index}`)
  const before = keys.map(ownerOf)
  picker.apply(removed(all[3]!))
  const after = keys.map(ownerOf)
  expect(after).not.toContain('i3')
  expect(after.filter((_, index) => before[index] !== 'i3')).toEqual(
    before.filter((owner) => owner !== 'i3'),
  )
})

test('a change of one weight moves keys of one instance only, in proportion', () => {
  const { picker, all, ownerOf } = open(20)
  const keys = Array.from({ length: 4_000 }, (_, index) => `k${index}`)
  const before = keys.map(ownerOf)
  picker.apply(updated(all[3]!, { weight: 50 }))
  const after = keys.map(ownerOf)
  expect(after.filter((_, index) => before[index] !== 'i3')).toEqual(
    before.filter((owner) => owner !== 'i3'),
  )
  const count = (owners: readonly string[]): number => owners.filter((id) => id === 'i3').length
  expect(count(after) / count(before)).toBeGreaterThan(0.35)
  expect(count(after) / count(before)).toBeLessThan(0.65)
})

test('no instance has more than its share of the load allows, also of one hot key', () => {
  const { picker } = open(10, { loadFactor: 1.25 })
  const random = seeded(9)
  const calls: Pick[] = []
  const inFlight: Record<string, number> = {}
  for (let call = 0; call < 4_000; call += 1) {
    const hot = random.next() < 0.5
    const picked = picker.pick({ key: hot ? 'hot' : `k${Math.floor(random.next() * 500)}` })
    const { id } = picked.instance
    inFlight[id] = (inFlight[id] ?? 0) + 1
    expect(inFlight[id]).toBeLessThanOrEqual(Math.ceil((1.25 * (calls.length + 1)) / 10))
    calls.push(picked)
    if (calls.length < 300) continue
    const [ended] = calls.splice(Math.floor(random.next() * calls.length), 1)
    if (ended === undefined) continue
    inFlight[ended.instance.id]! -= 1
    ended.done()
  }
})

test('the load of an instance that leaves and returns is kept', () => {
  const { picker, all } = open(2, { loadFactor: 1.25 })
  const picks = Array.from({ length: 20 }, (_, index) => picker.pick({ key: `k${index}` }))
  picker.suspend('i0')
  for (const picked of picks.slice(0, 10)) picked.done()
  picker.resume('i0')
  for (const picked of picks.slice(10)) picked.done()
  picker.apply(removed(all[0]!))
  expect(picker.pick({ key: 'k' }).instance.id).toBe('i1')
})

test('calls to a removed instance do not count for the others', () => {
  const { picker, all } = open(5)
  const inFlight: Record<string, number> = {}
  const call = (): string => {
    const { id } = picker.pick({ key: 'hot' }).instance
    inFlight[id] = (inFlight[id] ?? 0) + 1
    return id
  }
  for (let calls = 0; calls < 100; calls += 1) call()
  picker.apply(removed(all[0]!, all[1]!))
  for (const gone of ['i0', 'i1']) delete inFlight[gone]
  for (let calls = 0; calls < 30; calls += 1) {
    const total = Object.values(inFlight).reduce((sum, count) => sum + count, 0)
    expect(inFlight[call()]).toBeLessThanOrEqual(Math.ceil((1.25 * (total + 1)) / 3))
  }
})

test('without a key a random place on the ring is used', () => {
  const { picker } = open(10)
  const ids = new Set(Array.from({ length: 200 }, () => picker.pick().instance.id))
  expect(ids.size).toBe(10)
})

test('finds the one matching instance among very many', () => {
  const { picker, all } = open(400)
  const exclude = new Set(all.map(({ id }) => id).filter((id) => id !== 'i77'))
  expect(picker.pick({ key: 'k', exclude }).instance.id).toBe('i77')
})
