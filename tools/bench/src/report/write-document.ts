import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import type { Benchmark, Row } from '../frame/benchmark.ts'
import { describeGoal, figure } from './describe-measured.ts'
import { judgeGoal } from './judge-goal.ts'
import type { KeptResult, KeptResults } from './kept-results.ts'
import { plotOf } from './plot.ts'

const docs = new URL('../../../../docs/', import.meta.url)
const plots = new URL('benchmarks/', docs)

const introduction = `# Benchmarks

<!-- Written by \`npm run bench -- --write\`. Do not edit. -->

\`@sd\` beside the raw clients of its backends, which do the least work that could do the same, and beside
libraries in Go and Java. Real servers run on the same machine. Each sample is a fresh process on the built
packages. The samples of all sides take turns in one run, so that other load on the machine affects all
alike. Ratios are of the medians of the samples; in brackets is the range over the rounds. A time alone says little, as the
machine is small and shared; a ratio says how much the layer costs.

\`others\` is the share of all processors that processes outside the benchmark used meanwhile: the median
over the samples, and the highest.

To repeat all of it, or one part:

\`\`\`sh
npm run bench -- --write
npm run bench -- --only etcd-register
npm run bench -- --only etcd-register --profile   # where the CPU time goes
npm run bench -- --quick                          # only counts, compared with tools/bench/baseline.json
\`\`\`
`

const table = (
  head: readonly string[],
  rows: readonly (readonly string[])[],
): readonly string[] => {
  const widths = head.map((text, column) =>
    Math.max(3, text.length, ...rows.map((row) => (row[column] ?? '').length)),
  )
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)]
}

const percent = (share: number | undefined): string =>
  share === undefined ? 'unknown' : `${(share * 100).toFixed(0)} %`

const goalRows = (row: Row, result: KeptResult, key: string): readonly (readonly string[])[] =>
  (row.goals ?? []).flatMap((goal) => {
    const judged = judgeGoal(goal, result.rows[key] ?? {})
    if (judged === undefined) return []
    const { found, lowest, highest, met } = judged
    const range = `${figure(found)} (${figure(lowest)}–${figure(highest)})`
    return [[row.what, range, describeGoal(goal, row.unit), met ? 'met' : 'not met']]
  })

const sectionOf = (name: string, benchmark: Benchmark, result: KeptResult): readonly string[] => {
  const measured = Object.entries(benchmark.rows).flatMap(([key, row]) =>
    Object.entries(result.rows[key] ?? {}).map(([side, { median, p99, min, max, values }]) => [
      `${row.what} (${row.unit})`,
      side,
      ...[median, p99, min, max, values].map(figure),
    ]),
  )
  const goals = Object.entries(benchmark.rows).flatMap(([key, row]) => goalRows(row, result, key))
  const unmet = Object.entries(benchmark.rows).filter(([key, { goals: set = [] }]) =>
    set.some((goal) => judgeGoal(goal, result.rows[key] ?? {})?.met === false),
  )
  const remaining = [...Map.groupBy(unmet, ([, { remains }]) => remains)].flatMap(
    ([remains, rows]) =>
      remains === undefined
        ? []
        : [`*${rows.map(([, { what }]) => what).join(', ')}*: ${remains}`, ''],
  )
  const { date, machine, server, load } = result
  const where = [server, `Node ${machine.node}`, `${machine.cores} cores of ${machine.processor}`]
  return [
    `## ${benchmark.title}`,
    '',
    benchmark.about,
    '',
    ...table(['measure', 'side', 'median', 'p99', 'min', 'max', 'values'], measured),
    '',
    ...(goals.length === 0 ? [] : [...table(['measure', 'ratio or value', 'goal', ''], goals), '']),
    ...remaining,
    ...Object.keys(benchmark.rows)
      .filter((key) => result.rows[key] !== undefined)
      .slice(0, 1)
      .flatMap((key) => [`![${benchmark.rows[key]?.what ?? ''}](benchmarks/${name}.svg)`, '']),
    `\`npm run bench -- --only ${name}\`, ${date}: ${where.filter(Boolean).join(', ')}, ${machine.memoryGb} GB, ${machine.system}; load ${load.loadAverage.toFixed(1)}, others ${percent(load.othersMedian)} (highest ${percent(load.othersHighest)}).`,
    '',
  ]
}

const summaryOf = (measured: readonly (readonly [string, Benchmark, KeptResult])[]) => {
  const rows = measured.flatMap(([, benchmark, result]) =>
    Object.entries(benchmark.rows).flatMap(([key, row]) =>
      goalRows(row, result, key).map((cells) => [benchmark.title, ...cells]),
    ),
  )
  return table(['', 'measure', 'ratio or value', 'goal', ''], rows)
}

/** The text of `docs/benchmarks.md`. */
export const documentOf = (
  benchmarks: ReadonlyMap<string, Benchmark>,
  results: KeptResults,
): string => {
  const measured = [...benchmarks].flatMap(([name, benchmark]) => {
    const result = results[name]
    return result === undefined ? [] : [[name, benchmark, result] as const]
  })
  const lines = [
    introduction,
    '## Goals',
    '',
    ...summaryOf(measured),
    '',
    ...measured.flatMap((each) => sectionOf(...each)),
  ]
  return `${lines.join('\n').trimEnd()}\n`
}

/** The plots by the name of their file: the first row of each benchmark. */
const plotsOf = (
  benchmarks: ReadonlyMap<string, Benchmark>,
  results: KeptResults,
): readonly (readonly [string, string])[] =>
  [...benchmarks].flatMap(([name, { rows }]) => {
    const [entry] = Object.entries(rows).filter(([key]) => results[name]?.rows[key] !== undefined)
    const sides = entry && results[name]?.rows[entry[0]]
    return sides ? [[`${name}.svg`, plotOf(entry[1].what, entry[1].unit, sides)] as const] : []
  })

/** Writes `docs/benchmarks.md` and its plots from the kept results. */
export const writeDocument = async (
  benchmarks: ReadonlyMap<string, Benchmark>,
  results: KeptResults,
): Promise<void> => {
  await writeFile(new URL('benchmarks.md', docs), documentOf(benchmarks, results))
  await mkdir(plots, { recursive: true })
  for (const file of await readdir(plots)) await rm(new URL(file, plots))
  for (const [file, text] of plotsOf(benchmarks, results))
    await writeFile(new URL(file, plots), text)
}
