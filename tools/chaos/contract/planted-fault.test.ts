import { expect, test } from 'vitest'
import type { Violation } from '../src/checker/violation.ts'
import { showViolation } from '../src/report/show-violation.ts'
import { runChaos } from '../src/run/run-chaos.ts'

test('a driver that drops removals is reported as a ghost, with a timeline', async () => {
  const found: Violation[] = []
  let report = ''
  await runChaos({
    backend: 'sqlite',
    forMs: 60_000,
    seed: 54, // a calm round with three removals
    ttlMs: 2_000,
    members: 1,
    wrapModule: new URL('../test/planted/drop-removals.ts', import.meta.url).href,
    mostViolations: 1,
    say: () => {},
    begin: () => () => {},
    violated: (violation, events) => {
      found.push(violation)
      if (violation.kind === 'ghost') report ||= showViolation(violation, events, 'REPEAT')
    },
  })
  expect(found.map(({ kind }) => kind)).toContain('ghost')
  expect(report).toMatch(
    /^VIOLATION ghost \(R2, R6\) at \d\d:\d\d\.\d{3}\n {2}.+acknowledged.+\n {2}repeat: REPEAT\n/,
  )
  expect(report).toMatch(
    /calls deregister of handle \d+\n(?:.*\n)*.*deregister of handle \d+: resolved/,
  )
}, 180_000)
