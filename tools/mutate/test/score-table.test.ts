import { expect, test } from 'vitest'
import { AcceptedSurvivors } from '../src/accepted-survivors.ts'
import { findMutants } from '../src/find-mutants.ts'
import type { Result } from '../src/result-cache.ts'
import { scoresByFolder, scoreTable, writeScores } from '../src/score-table.ts'

const resultsOf = (file: string, status: Result['status']): readonly Result[] =>
  findMutants(`packages/core/src/${file}`, 'export const both = (a, b) => a && b').map(
    (mutant) => ({ mutant, status }),
  )

const results = [
  ...resultsOf('watch/reader.ts', 'killed'),
  ...resultsOf('registry.ts', 'survived'),
  ...resultsOf('watch/deep/view.ts', 'uncovered'),
]
const each = results.length / 3
const scores = scoresByFolder(
  results,
  new AcceptedSurvivors([
    { file: 'packages/core/src/watch/', changes: ['a && b → a || b'], reason: 'equivalent' },
  ]),
)

test('scores are counted by folder', () => {
  expect(scores).toEqual([
    { name: 'src/*.ts', mutants: each, killed: 0, survived: each, accepted: 0, percent: 0 },
    { name: 'watch/', mutants: 2 * each, killed: each, survived: each, accepted: 1, percent: 50 },
    {
      name: 'all',
      mutants: 3 * each,
      killed: each,
      survived: 2 * each,
      accepted: 1,
      percent: expect.closeTo(33.3, 1) as number,
    },
  ])
})

test('the table of a run replaces the last one', () => {
  const text = 'before\n<!-- mutants:begin -->one more<!-- mutants:end -->\nafter\n'
  const written = writeScores(text, scores, '2026-11-22')
  expect(written).toContain(scoreTable(scores))
  expect(written).not.toContain('one more')
  expect(written).toMatch(/^before\n[^]*The whole run of 2026-11-22:[^]*\nafter\n$/)
  expect(writeScores(written, scores, '2026-11-22')).toBe(written)
  expect(() => writeScores('without marks', scores, '2026-11-22')).toThrow(/mutants:begin/)
})
