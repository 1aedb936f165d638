import { expect, test } from 'vitest'
import { patienceMs } from '../../../src/client/connection/patience.ts'

test.each([
  // timeout, hosts, patience of the first rounds
  [30_000, 3, [1_500, 3_000, 6_000, 10_000, 10_000]],
  [6_000, 3, [1_000, 2_000, 2_000]],
  [4_000, 5, [400, 800, 800]],
  [2_000, 1, [1_000, 2_000, 2_000]],
  [1_500, 3, [250, 500, 500]],
  [100, 3, [250, 250]],
])('of a session of %d ms with %d hosts', (timeoutMs, hosts, expected) => {
  expect(expected.map((_, round) => patienceMs(timeoutMs, hosts, round))).toEqual(expected)
})
