import { expect, test } from 'vitest'
import type { TestModule } from 'vitest/node'
import { closingLine, countRun, failedTests, skippedTests } from '../../closing-line-reporter.ts'

type State = 'passed' | 'failed' | 'skipped' | 'pending'

/** The part of a Vitest module that the reporter uses. */
function module(tests: State[], state: State = 'passed'): TestModule {
  const allTests = (wanted?: State) =>
    tests
      .filter((own) => wanted === undefined || own === wanted)
      .map((own) => ({
        fullName: `suite > ${own} test`,
        result: () => ({
          state: own,
          errors: own === 'failed' ? [{ message: 'expected 1 to be 2\n\nDiff:' }] : [],
        }),
      }))
  return {
    relativeModuleId: 'a.test.ts',
    children: { allTests },
    state: () => state,
    errors: () => [{ message: 'no such file' }],
  } as unknown as TestModule
}

test('counts tests, and one that never finished as failed', () => {
  const modules = [module(['passed', 'skipped']), module(['passed', 'failed', 'pending'], 'failed')]
  expect(countRun(modules, [])).toEqual({ passed: 2, failed: 2, skipped: 1 })
})

test('a module that failed without a failed test counts as one', () => {
  expect(countRun([module([], 'failed')], [])).toMatchObject({ passed: 0, failed: 1 })
  expect(countRun([module(['passed'], 'failed')], [])).toMatchObject({ passed: 1, failed: 1 })
})

test('unhandled errors count', () => {
  expect(countRun([module(['passed'])], [{ message: 'oops' }])).toMatchObject({ failed: 1 })
})

test('the line names skipped tests only if there are any', () => {
  expect(closingLine({ passed: 3, failed: 0, skipped: 0 })).toBe('3 passed, 0 failed')
  expect(closingLine({ passed: 3, failed: 1, skipped: 2 })).toBe('3 passed, 1 failed, 2 skipped')
})

test('skipped tests are named with their file', () => {
  expect(skippedTests([module(['passed', 'skipped']), module(['failed'], 'failed')])).toEqual([
    'a.test.ts > suite > skipped test',
  ])
})

test('failed tests are named with the first line of their error', () => {
  const modules = [module(['passed', 'failed', 'pending'], 'failed'), module([], 'failed')]
  expect(failedTests(modules, [{ message: 'oops' }])).toEqual([
    'a.test.ts > suite > failed test: expected 1 to be 2',
    'a.test.ts > suite > pending test: it did not finish',
    'a.test.ts: no such file',
    'outside of any test: oops',
  ])
})
