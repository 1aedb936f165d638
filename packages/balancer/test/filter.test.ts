import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { balancerChannel, createFilter, createPicker, type FilterOption } from '@sd/balancer'
import { expect, test } from 'vitest'
import { added, instance } from './support.ts'

const all = [
  instance('a', { version: '1.4.0', tags: ['eu', 'canary'], zone: 'z1', metadata: { team: 'x' } }),
  instance('b', { version: '1.9.2', tags: ['eu'], zone: 'z2', metadata: { team: 'y' } }),
  instance('c', { version: 'v2.0.0-rc.1', zone: 'z3' }),
  instance('d', { version: 'tuesday' }),
  instance('e'),
]

test.each<[FilterOption, string]>([
  [{}, 'abcde'],
  [{ version: '^1.4' }, 'ab'],
  [{ version: '>=1.5 <3' }, 'b'],
  [{ version: '^2.0.0-rc.0' }, 'c'],
  [{ version: '*' }, 'ab'],
  [{ tags: ['eu'] }, 'ab'],
  [{ tags: ['eu', 'canary'] }, 'a'],
  [{ metadata: { team: 'x' } }, 'a'],
  [{ metadata: { toString: 'x' } }, ''],
  [{ zone: 'z2' }, 'b'],
  [{ zone: ['z2', 'z3'] }, 'bc'],
  [{ version: '1', zone: 'z2' }, 'b'],
  [{ predicate: ({ id }) => id > 'c' }, 'de'],
  [({ tags }) => tags.length > 0, 'ab'],
])('%o matches %s', (filter, expected) => {
  expect(
    all
      .filter(createFilter(filter))
      .map(({ id }) => id)
      .join(''),
  ).toBe(expected)
  const picker = createPicker({ filter })
  picker.apply(added(...all))
  expect(picker.instances.map(({ id }) => id).join('')).toBe(expected)
})

test('a predicate that throws excludes the instance, and the error is reported', () => {
  const heard: unknown[] = []
  const listen = (message: unknown): void => void heard.push(message)
  subscribe(balancerChannel, listen)
  const error = new Error('no metadata')
  const picker = createPicker({
    filter: () => {
      throw error
    },
  })
  picker.apply(added(instance('a')))
  unsubscribe(balancerChannel, listen)
  expect(heard).toEqual([
    { backend: 'balancer', service: 'orders', event: 'predicate-failed', id: 'a', error },
  ])
  expect(() => picker.pick()).toThrow('1 is filtered out by the predicate')
})
