import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { AcceptedSurvivors, readAccepted } from '../src/accepted-survivors.ts'
import { findMutants } from '../src/find-mutants.ts'

test('every accepted survivor is still a mutant of core', () => {
  const root = fileURLToPath(new URL('../../..', import.meta.url))
  const mutants = globSync('packages/core/src/**/*.ts', { cwd: root }).flatMap((file) =>
    findMutants(file, readFileSync(join(root, file), 'utf8')),
  )
  expect(mutants.length).toBeGreaterThan(3_000)
  expect(new AcceptedSurvivors(readAccepted()).unknown(mutants)).toEqual([])
})
