import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Accepted, AcceptedSurvivors } from './accepted-survivors.ts'
import { type Mutant, showChange } from './mutant.ts'
import type { Result } from './result-cache.ts'

/** What a report needs besides the results. */
export interface ReportOptions {
  readonly root: string
  readonly accepted: readonly Accepted[]
  /** Every mutant of core, whether it was run or not. */
  readonly allMutants: readonly Mutant[]
  /** In percent. */
  readonly threshold: number
}

const scoreOf = (results: readonly Result[]): number =>
  results.length === 0
    ? 100
    : (100 * results.filter(({ status }) => status === 'killed').length) / results.length

const showSurvivor = ({ mutant, status }: Result, reason: string | undefined): string => {
  const { file, line, column, inside } = mutant
  const why = reason ?? (status === 'uncovered' ? 'nothing passes here' : undefined)
  return `${file}:${line}:${column}  ${inside}\n    ${showChange(mutant)}${why === undefined ? '' : `\n    ${why}`}`
}

/** Prints survivors and scores, writes the report, and returns the exit code. */
export const reportResults = (
  results: readonly Result[],
  { root, accepted, allMutants, threshold }: ReportOptions,
): number => {
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
  for (const one of unexplained) console.log(showSurvivor(one, undefined))
  console.log('\n  score  mutants  survived')
  const row = (name: string, some: readonly Result[]): void => {
    const left = some.filter(({ status }) => status !== 'killed').length
    console.log(
      `${scoreOf(some).toFixed(1).padStart(5)} %  ${String(some.length).padStart(7)}  ${String(left).padStart(8)}  ${name}`,
    )
  }
  for (const [file, some] of Map.groupBy(sorted, ({ mutant }) => mutant.file)) row(file, some)
  row('all', sorted)
  mkdirSync(join(root, '.cache/mutate'), { recursive: true })
  writeFileSync(
    join(root, '.cache/mutate/report.json'),
    JSON.stringify(
      {
        score: scoreOf(sorted),
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
    ...(scoreOf(sorted) < threshold ? [`The score is below ${threshold} %.`] : []),
    ...known
      .unknown(allMutants)
      .map((key) => `accepted-survivors.json names what is no mutant: ${key}`),
    ...sorted.flatMap(({ mutant, status }) =>
      status === 'killed' && known.reasonFor(mutant) !== undefined
        ? [
            `accepted-survivors.json names a mutant that tests notice: ${mutant.file} ${mutant.inside} ${showChange(mutant)}`,
          ]
        : [],
    ),
  ]
  for (const line of wrong) console.log(line)
  return wrong.length === 0 ? 0 : 1
}
