import { expect, test } from 'vitest'
import { ParentVersions } from '../src/session/parent-versions.ts'

test('what was read or written stays known while only this session creates records', () => {
  const versions = new ParentVersions()
  const read = versions.found('s', 4)
  expect(versions.isKnown('s', read)).toBe(true)
  expect(versions.created('s', 5)).toBe(read)
  expect(versions.created('s', 6)).toBe(read)
  expect(versions.found('s', 6)).toBe(read)
  expect(read).toEqual({ version: 6 })
  expect(versions.isKnown('s', read)).toBe(true)
  expect(versions.isKnown('t', read)).toBe(false)
  expect(versions.isKnown('t', undefined)).toBe(false)
})

test.each([
  ['another session has created a record before', (of: ParentVersions) => of.created('s', 6)],
  ['a read shows one of another session', (of: ParentVersions) => of.found('s', 5)],
  ['the node begins anew', (of: ParentVersions) => of.created('s', 1)],
  ['the node is gone', (of: ParentVersions) => of.found('s', undefined)],
  ['the connection was lost', (of: ParentVersions) => of.clear()],
])('nothing is known any more when %s', (_, happen) => {
  const versions = new ParentVersions()
  const before = versions.created('s', 4)
  happen(versions)
  expect(versions.isKnown('s', before)).toBe(false)
  expect(before).toEqual({ version: 4 })
  // not even if the number comes again
  versions.found('s', 4)
  expect(versions.isKnown('s', before)).toBe(false)
})
