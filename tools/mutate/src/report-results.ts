import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Accepted, AcceptedSurvivors } from './accepted-survivors.ts'
import { type Mutant, showChange } from './mutant.ts'
import type { Result } from './result-cache.ts'
import { scoreOf, scoresByFolder, scoreTable, type Score } from './score-table.ts'

/** What a report needs besides the results. */
export interface ReportOptions {
  readonly root: string
  readonly accepted: readonly Accepted[]
  /** Every mutant of core, whether it was run or not. */
  readonly allMutants: readonly Mutant[]
  /** In percent. */
  readonly threshold: number
}

/** What a report says. */
export interface Report {
  readonly scores: readonly Score[]
  /** Why the run fails; empty when it passes. */
  readonly wrong: readonly string[]
}

const showSurvivor = ({ mutant, status }: Result): string => {
  const { file, line, column, inside } = mutant
  const why = status === 'uncovered' ? '\n    nothing passes here' : ''
  return `${file}:${line}:${column}  ${inside}\n    ${showChange(mutant)}${why}`
}

/** Prints the survivors without a reason and the scores, and writes the report. */
export const reportResults = (
  results: readonly Result[],
  { root, accepted, allMutants, threshold }: ReportOptions,
): Report => {
  const known = new AcceptedSurvivors(accepted)
  const sorted = results.toSorted((a, b) =>
    a.mutant.file < b.mutant.file
      ? -1
      : a.mutant.file > b.mutant.file
        ? 1
        : a.mutant.start - b.mutant.start,
  )
  const survivors = sorted.filter(({ status }) => status !== 'killed')
  const unexplained = survivors.filter(({ mutant }) => known.reasonFor(mutant) === undefined)
  for (const one of unexplained) console.log(showSurvivor(one))
  console.log('\n  score  mutants  survived')
  for (const [file, some] of Map.groupBy(sorted, ({ mutant }) => mutant.file)) {
    const { percent, mutants, survived } = scoreOf(file, some, known)
    console.log(
      `${percent.toFixed(1).padStart(5)} %  ${String(mutants).padStart(7)}  ${String(survived).padStart(8)}  ${file}`,
    )
  }
  const scores = scoresByFolder(sorted, known)
  console.log(`\n${scoreTable(scores)}\n`)
  const percent = scores.at(-1)?.percent ?? 100
  mkdirSync(join(root, '.cache/mutate'), { recursive: true })
  writeFileSync(
    join(root, '.cache/mutate/report.json'),
    JSON.stringify(
      {
        score: percent,
        mutants: sorted.length,
        survivors: survivors.map(({ mutant, status }) => ({
          ...mutant,
          status,
          change: showChange(mutant),
          reason: known.reasonFor(mutant),
        })),
      },
      undefined,
      1,
    ),
  )
  const wrong = [
    ...(percent < threshold ? [`The score is below ${threshold} %.`] : []),
    ...(unexplained.length > 0
      ? [`${unexplained.length} survivors have no reason in accepted-survivors.json.`]
      : []),
    ...known
      .unknown(allMutants)
      .map((rule) => `accepted-survivors.json names what is no mutant: ${rule}`),
    ...known
      .unneeded(sorted, allMutants)
      .map((rule) => `accepted-survivors.json names a mutant that tests notice: ${rule}`),
  ]
  for (const line of wrong) console.log(line)
  return { scores, wrong }
}
