import type { Reporter, SerializedError, TestModule, Vitest } from 'vitest/node'

/** The result of a run. */
export interface RunCount {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/** The counts of a finished run. An error outside of any test counts as a failed test. */
export function countRun(
  modules: readonly TestModule[],
  unhandledErrors: readonly SerializedError[],
): RunCount {
  const count = { passed: 0, failed: unhandledErrors.length, skipped: 0 }
  for (const module of modules) {
    let failedInModule = 0
    for (const test of module.children.allTests()) {
      const { state } = test.result()
      if (state === 'passed') count.passed++
      else if (state === 'skipped') count.skipped++
      else failedInModule++ // also 'pending': the run ended before the test did
    }
    // An import error, or a failed hook around tests that passed or never ran.
    if (failedInModule === 0 && module.state() === 'failed') failedInModule = 1
    count.failed += failedInModule
  }
  return count
}

/** The tests that were skipped: `file > suite > test`. */
export function skippedTests(modules: readonly TestModule[]): readonly string[] {
  return modules.flatMap((module) =>
    [...module.children.allTests('skipped')].map(
      ({ fullName }) => `${module.relativeModuleId} > ${fullName}`,
    ),
  )
}

/** The tests that failed, each with the first line of its error: `file > suite > test: error`. */
export function failedTests(
  modules: readonly TestModule[],
  unhandledErrors: readonly SerializedError[],
): readonly string[] {
  const named = (name: string, errors: readonly SerializedError[] = []) =>
    `${name}: ${errors[0]?.message?.split('\n', 1)[0] ?? 'it did not finish'}`
  return [
    ...modules.flatMap((module) => {
      const tests = [...module.children.allTests('failed'), ...module.children.allTests('pending')]
      if (tests.length === 0 && module.state() === 'failed')
        return [named(module.relativeModuleId, module.errors())]
      return tests.map((test) =>
        named(`${module.relativeModuleId} > ${test.fullName}`, test.result().errors),
      )
    }),
    ...unhandledErrors.map((error) => named('outside of any test', [error])),
  ]
}

/** The line that CI reads. */
export function closingLine({ passed, failed, skipped }: RunCount): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}

/**
 * Ends a Vitest run with the names of the skipped and of the failed tests and with
 * {@link closingLine} (Vitest requires a default export).
 */
export default class ClosingLineReporter implements Reporter {
  #filtered = false

  onInit({ config }: Pick<Vitest, 'config'>): void {
    // `-t` skips all tests with other names
    this.#filtered = config.testNamePattern !== undefined
  }

  onTestRunEnd(
    modules: readonly TestModule[],
    unhandledErrors: readonly SerializedError[],
    reason: 'passed' | 'interrupted' | 'failed',
  ): void {
    const count = countRun(modules, unhandledErrors)
    const silent = reason !== 'passed' && count.failed === 0
    const skipped = this.#filtered ? [] : skippedTests(modules).map((name) => `skipped: ${name}\n`)
    const failed = failedTests(modules, unhandledErrors).map((line) => `failed: ${line}\n`)
    process.stdout.write(
      `\n${skipped.join('')}${failed.join('')}${closingLine(silent ? { ...count, failed: 1 } : count)}\n`,
    )
  }
}
