import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { findMutants } from '../src/find-mutants.ts'
import type { Reply, Task } from '../src/messages.ts'
import { showChange } from '../src/mutant.ts'
import { measureBaseline, runMutants } from '../src/run-mutants.ts'

const files = {
  'packages/core/src/count.ts': `export const limits = [3]
export const count = (to: number): number => {
  let at = 0
  while (at < to) at += 1
  return at
}
export const isSmall = (n: number): boolean => n < (limits[0] ?? 0)
export const tell = async (): Promise<string> => 'told'
`,
  'packages/core/test/count.test.ts': `import { afterEach, beforeEach, expect, test, describe } from 'vitest'
import { count, isSmall, limits, tell } from '../src/count.ts'
let opened = 0
afterEach(() => expect(opened--).toBe(1))
describe('count', () => {
  beforeEach(async () => { opened += 1 })
  test.each([[2], [3]])('to %i', (to) => expect(count(to)).toBe(to))
  test.each([[{ to: 4 }], [{ to: 5 }]])('of %j', ({ to }) => expect(count(to)).toBe(to))
  test('small', () => expect(isSmall(2)).toBe(true))
  test('limits', () => expect(limits).toEqual([3]))
  test('tells', async () => expect(await tell()).toBe('told'))
})
`,
  'packages/core/test/simulation/schedule/draw-schedule.ts': `export const drawSchedule = (seed: number) => ({ seed, kind: 'any' })
`,
  'packages/core/test/simulation/world/simulate.ts': `import { isSmall } from '../../../src/count.ts'
export const simulate = async ({ seed }: { seed: number }) => ({
  violations: seed === 2 && isSmall(4) ? ['4 is small'] : [],
})
`,
}

test('runs each mutant against the tests and seeds that pass it', { timeout: 60_000 }, async () => {
  const root = mkdtempSync(join(tmpdir(), 'sd-mutate-'))
  try {
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, file)), { recursive: true })
      writeFileSync(join(root, file), text)
    }
    const file = 'packages/core/src/count.ts'
    const code = readFileSync(join(root, file), 'utf8')
    const mutants = findMutants(file, code)
    const task: Task = {
      root,
      sources: [{ file, code }],
      mutants,
      testFiles: ['packages/core/test/count.test.ts'],
      seeds: 2,
      activeWhileLoading: undefined,
      baseline: undefined,
    }
    const baseline = await measureBaseline(task)
    expect(baseline.tests.map(({ name }) => name.split(' > ').slice(1).join(' '))).toEqual([
      'count to 2',
      'count to 3',
      'count of [object Object]',
      'count of [object Object] (2)',
      'count small',
      'count limits',
      'count tells',
    ])
    const names = [...baseline.tests, ...baseline.seeds].map(({ name }) => name)
    const killers: Record<string, string> = {}
    const decided = ({ number, killer = 'nothing' }: Reply): void => {
      const mutant = mutants[number]
      if (mutant !== undefined) killers[showChange(mutant)] = killer.split(' > ').slice(-1).join('')
    }
    const requests = mutants.map((_, number) => ({ number, names }))
    await runMutants({ ...task, baseline }, requests, 1, decided)
    expect(killers).toMatchObject({
      '[3] → []': 'small',
      'at < to → at <= to': 'to 2',
      'at += 1 → at -= 1': 'endless',
      'at < to → true': 'endless',
      'n < (limits[0] ?? 0) → n <= (limits[0] ?? 0)': 'nothing',
      'n < (limits[0] ?? 0) → n >= (limits[0] ?? 0)': 'small',
    })
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
})

test('refuses to start when a test fails without a mutant', { timeout: 60_000 }, async () => {
  const root = mkdtempSync(join(tmpdir(), 'sd-mutate-'))
  try {
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, file)), { recursive: true })
      writeFileSync(join(root, file), text.replace("string> => 'told'", "string> => 'silent'"))
    }
    const task = {
      root,
      sources: [],
      mutants: [],
      testFiles: ['packages/core/test/count.test.ts'],
      seeds: 0,
    }
    await expect(
      measureBaseline({ ...task, activeWhileLoading: undefined, baseline: undefined }),
    ).rejects.toThrow(/count > tells fails without a mutant/)
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
})
