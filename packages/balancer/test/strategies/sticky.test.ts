import { createPicker } from '@sd/balancer'
import { expect, test } from 'vitest'
import { added, instance, instances, removed, seeded, updated } from '../support.ts'

const open = (maxKeys = 10_000) => {
  const picker = createPicker({ strategy: { name: 'sticky', maxKeys }, random: seeded(4) })
  const all = instances(5)
  picker.apply(added(...all))
  const ownerOf = (key: string): string => {
    const picked = picker.pick({ key })
    picked.done()
    return picked.instance.id
  }
  return { picker, all, ownerOf }
}

test('a key stays with its instance while others are added and removed', () => {
  const { picker, all, ownerOf } = open()
  const owner = ownerOf('k')
  picker.apply(added(instance('new')))
  picker.apply(removed(...all.filter(({ id }) => id !== owner)))
  picker.apply(added(...all.filter(({ id }) => id !== owner)))
  for (let call = 0; call < 20; call += 1) expect(ownerOf('k')).toBe(owner)
})

test.each(['leaves', 'is drained'])(
  'when its instance %s a key gets another, and stays there',
  (how) => {
    const { picker, all, ownerOf } = open()
    const owner = all.find(({ id }) => id === ownerOf('k'))!
    picker.apply(how === 'leaves' ? removed(owner) : updated(owner, { weight: 0 }))
    const next = ownerOf('k')
    expect(next).not.toBe(owner.id)
    picker.apply(
      how === 'leaves' ? added(owner) : updated({ ...owner, weight: 0 }, { weight: 100 }),
    )
    for (let call = 0; call < 20; call += 1) expect(ownerOf('k')).toBe(next)
  },
)

test('a pick that excludes its instance gets another one only this time', () => {
  const { picker, ownerOf } = open()
  const owner = ownerOf('k')
  expect(picker.pick({ key: 'k', exclude: new Set([owner]) }).instance.id).not.toBe(owner)
  expect(ownerOf('k')).toBe(owner)
})

test('the least recently used key is dropped first', () => {
  const { ownerOf } = open(2)
  const owner = ownerOf('a')
  for (let key = 0; key < 50; key += 1) {
    ownerOf(`other ${key}`)
    expect(ownerOf('a')).toBe(owner)
  }
  // dropped now, and drawn again: not always the same instance
  const drawn = new Set<string>()
  for (let round = 0; round < 30; round += 1) {
    ownerOf('x')
    ownerOf('y')
    drawn.add(ownerOf('a'))
  }
  expect(drawn.size).toBeGreaterThan(1)
})
