import { expect, test } from 'vitest'
import { nearestName, suggestion } from '../src/driver/config/nearest-name.ts'

const known = ['endpoints', 'namespace', 'ttlMs', 'closeTimeoutMs']

test.each([
  ['endpoint', 'endpoints'],
  ['Endpoints', 'endpoints'],
  ['name-space', 'namespace'],
  ['close-timeout-ms', 'closeTimeoutMs'],
  ['ttl', 'ttlMs'],
  ['colour', undefined],
  ['', undefined],
  ['x'.repeat(100_000), undefined],
])('%s', (given, nearest) => {
  expect(nearestName(given, known)).toBe(nearest)
})

test.each([
  // up to half of the given name, or two characters, may differ
  ['abcd', ['ab'], 'ab'],
  ['abcd', ['a'], undefined],
  ['ab', ['abcd'], 'abcd'],
  ['ab', ['abcde'], undefined],
  ['abcde', ['ab'], undefined],
  ['abcdefgh', ['abcd'], 'abcd'],
  ['bcd', ['abcd'], 'abcd'],
  ['xxd', ['xyzd', 'xxxd'], 'xxxd'],
  // of equally near ones the first
  ['ttl', ['ttla', 'ttlb'], 'ttla'],
  ['TTLMS', ['x', 'ttlMs'], 'ttlMs'],
  ['x'.repeat(64), ['x'.repeat(64)], 'x'.repeat(64)],
])('%s among %j', (given, names, nearest) => {
  expect(nearestName(given, names)).toBe(nearest)
})

test('what is similar to nothing is told only what there is', () => {
  expect(suggestion('colour', ['ttl', 'host'])).toBe(' (known: ttl, host)')
})
