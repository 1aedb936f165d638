import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findMutants } from '../src/find-mutants.ts'
import { ResultCache } from '../src/result-cache.ts'

let root = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sd-results-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const source = { file: 'packages/core/src/a.ts', code: 'export const two = (a) => a + a' }
const [mutant] = findMutants(source.file, source.code)
if (mutant === undefined) throw new Error('there is no mutant')

/** A cache over files of tests with these texts. */
const open = (tests: Readonly<Record<string, string>>, code = source.code): ResultCache => {
  for (const [file, text] of Object.entries(tests)) {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), text)
  }
  return new ResultCache(root, [{ ...source, code }], Object.keys(tests))
}
const before = { 'test/a.test.ts': '1', 'test/b.test.ts': '1', 'test/simulation/s.ts': '1' }

test('what a test noticed is known until that test or the source changes', () => {
  const cache = open(before)
  cache.keep(mutant, { status: 'killed', killer: 'test/a.test.ts > two' })
  cache.save()
  expect(open({ ...before, 'test/b.test.ts': '2' }).find(mutant)?.status).toBe('killed')
  expect(open({ ...before, 'test/a.test.ts': '2' }).find(mutant)).toBeUndefined()
  expect(open(before, `${source.code} + 1`).find(mutant)).toBeUndefined()
})

test('a survivor runs again with the tests that changed', () => {
  const cache = open(before)
  cache.keep(mutant, { status: 'survived' })
  cache.save()
  const again = open({ ...before, 'test/b.test.ts': '2', 'test/c.test.ts': '1' })
  expect(again.find(mutant)).toBeUndefined()
  const names = ['test/a.test.ts > x', 'test/b.test.ts > x', 'test/c.test.ts > x', 'seed 1']
  expect(names.filter(again.news(mutant))).toEqual(['test/b.test.ts > x', 'test/c.test.ts > x'])
  const simulated = open({ ...before, 'test/simulation/s.ts': '2' })
  expect(names.filter(simulated.news(mutant))).toContain('seed 1')
  const shared = open({ ...before, 'test/test-bed.ts': '1' })
  expect(names.filter(shared.news(mutant))).toEqual(names)
})

test('forgotten results do not return', () => {
  const cache = open(before)
  cache.keep(mutant, { status: 'survived' })
  cache.save()
  open(before).forget()
  expect(open(before).find(mutant)).toBeUndefined()
})
