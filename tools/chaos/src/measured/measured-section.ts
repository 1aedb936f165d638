import { killedTtlMs, many, type Measured } from './measure-backend.ts'

/** One row of the section: what was measured, on what. */
export interface MeasuredRow extends Measured {
  readonly backend: string
  /** `3.5.16 as a process`. */
  readonly description: string
  /** `2026-11-21`. */
  readonly date: string
  /** `24.21.0`. */
  readonly node: string
  readonly cores: number
  /** The load average of the last minute before the run. */
  readonly load: number
}

const begin = '<!-- bounds:begin -->'
const end = '<!-- bounds:end -->'

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(2)} s`

/** The value that this share of all values does not exceed. */
const quantile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.ceil(values.length * share) - 1] ?? Number.NaN

const head = [
  'backend',
  'measured',
  'owner killed (ttl 2 s) to event',
  'change to event, median',
  `${many.toLocaleString('en')} registered`,
  `${many.toLocaleString('en')} back after a wipe`,
]

const cellsOf = (row: MeasuredRow): readonly string[] => [
  `${row.backend} ${row.description}`,
  `${row.date}, Node ${row.node}, ${row.cores} cores${row.load > row.cores / 2 ? ', shared' : ''} (load ${row.load.toFixed(1)})`,
  `${(Math.min(...row.killedMs) / 1_000).toFixed(2)} … ${seconds(Math.max(...row.killedMs))} (${row.killedMs.length})`,
  `${quantile(row.changeMs, 0.5).toFixed(1)} ms, 95 %: ${quantile(row.changeMs, 0.95).toFixed(1)} ms (${row.changeMs.length})`,
  seconds(row.registerMs),
  seconds(row.backMs),
]

/** The cells of the rows that the section has. */
const rowsIn = (section: string): readonly (readonly string[])[] =>
  section
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )

/** A table as the formatter writes it. */
const tableOf = (rows: readonly (readonly string[])[]): readonly string[] => {
  const widths = head.map((_, column) =>
    Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)),
  )
  const line = (row: readonly string[]): string =>
    `| ${widths.map((width, column) => (row[column] ?? '').padEnd(width)).join(' | ')} |`
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)]
}

/**
 * Returns the page with the row of one backend written or replaced in its marked section. The rows
 * of other backends stay as they are.
 * @throws Error if the page has no marked section
 */
export const writeMeasuredRow = (page: string, row: MeasuredRow): string => {
  const [before = '', rest] = page.split(begin)
  const [section = '', after] = rest?.split(end) ?? []
  if (after === undefined)
    throw new Error(`the page has no section between ${begin} and ${end}; add both marks`)
  const others = rowsIn(section).filter(([first]) => !first?.startsWith(`${row.backend} `))
  const rows = [...others, cellsOf(row)].toSorted(([one = ''], [other = '']) =>
    one < other ? -1 : 1,
  )
  const text = [
    '',
    '',
    `Written by \`npm run bounds -- --backend NAME\`, one row a run. Event: when a watcher in another process`,
    `receives it. Back: when another client lists all instances, from the server's first answer on. Owners and`,
    `watchers of single instances have a ttl of ${killedTtlMs / 1_000} s, the others the default options. Everything runs on one`,
    `machine. Shared: its load average was more than half its cores, and this other work lengthens every`,
    `figure. In parentheses: the number of trials.`,
    '',
    ...tableOf(rows),
    '',
    '',
  ]
  return `${before}${begin}${text.join('\n')}${end}${after}`
}
