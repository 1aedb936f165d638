import { expect, test } from 'vitest'
import { nearestName } from '../src/driver/config/nearest-name.ts'

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
