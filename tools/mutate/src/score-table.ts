import type { AcceptedSurvivors } from './accepted-survivors.ts'
import type { Result } from './result-cache.ts'

/** What became of some mutants. */
export interface Score {
  /** A folder below `packages/core/src`. */
  readonly name: string
  readonly mutants: number
  readonly killed: number
  readonly survived: number
  /** The survivors that have a reason. */
  readonly accepted: number
  /** The share of killed ones, in percent. */
  readonly percent: number
}

const core = 'packages/core/src/'

const folderOf = (file: string): string => {
  const path = file.slice(core.length)
  return path.includes('/') ? `${path.slice(0, path.indexOf('/'))}/` : 'src/*.ts'
}

/** Counts what became of mutants. */
export const scoreOf = (
  name: string,
  results: readonly Result[],
  accepted: AcceptedSurvivors,
): Score => {
  const survivors = results.filter(({ status }) => status !== 'killed')
  const killed = results.length - survivors.length
  return {
    name,
    mutants: results.length,
    killed,
    survived: survivors.length,
    accepted: survivors.filter(({ mutant }) => accepted.reasonFor(mutant) !== undefined).length,
    percent: results.length === 0 ? 100 : (100 * killed) / results.length,
  }
}

/** One score for each folder of core, and one for all. */
export const scoresByFolder = (
  results: readonly Result[],
  accepted: AcceptedSurvivors,
): readonly Score[] => [
  ...[...Map.groupBy(results, ({ mutant }) => folderOf(mutant.file))]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([folder, some]) => scoreOf(folder, some, accepted)),
  scoreOf('all', results, accepted),
]

const head = ['folder', 'mutants', 'noticed', 'survived', 'with a reason', 'score']

/** The scores as a table of Markdown, as the formatter writes it. */
export const scoreTable = (scores: readonly Score[]): string => {
  const rows = scores.map(({ name, mutants, killed, survived, accepted, percent }) => [
    name === 'all' ? 'all' : `\`${name}\``,
    ...[mutants, killed, survived, accepted].map((count) => count.toLocaleString('en')),
    `${percent.toFixed(1)} %`,
  ])
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}

const begin = '<!-- mutants:begin -->'
const end = '<!-- mutants:end -->'

/** `text` with the table of a whole run between its two marks. Throws when a mark is missing. */
export const writeScores = (text: string, scores: readonly Score[], date: string): string => {
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`the text has no ${begin} with ${end} after it`)
  const section = `${begin}\n\nThe whole run of ${date}:\n\n${scoreTable(scores)}\n\n`
  return text.slice(0, from) + section + text.slice(to)
}
