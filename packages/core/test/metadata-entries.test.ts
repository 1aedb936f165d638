import { expect, test } from 'vitest'
import {
  takenEntry,
  takeWeight,
  weightEntry,
  withoutEntries,
} from '../src/driver/metadata-entries.ts'

test('a weight is an entry of the metadata, unless it is the default', () => {
  expect([weightEntry(100), weightEntry(0), weightEntry(50)]).toEqual([
    {},
    { weight: '0' },
    { weight: '50' },
  ])
})

test('a weight is taken from the metadata, which keeps what is none', () => {
  expect(takeWeight({ weight: '50', a: 'b' })).toEqual({ weight: 50, metadata: { a: 'b' } })
  for (const metadata of [{ weight: 'heavy' }, { a: 'b' }])
    expect(takeWeight(metadata)).toEqual({ weight: 100, metadata })
})

test('entries are left out by name, and may be taken', () => {
  expect(withoutEntries({ a: '1', b: '2', c: '3' }, ['a', 'c', 'd'])).toEqual({ b: '2' })
  expect(takenEntry({ metadata: { a: '1' } }, { b: '2' })).toBeUndefined()
  expect(takenEntry({ metadata: { a: '1', c: '3' } }, { b: '2', c: '4' })).toBe(
    'its metadata has the key "c", which the format itself writes; remove it',
  )
})
