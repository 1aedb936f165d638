import { readFile, writeFile } from 'node:fs/promises'
import { type Benchmark, quickGoalOf } from '../frame/benchmark.ts'
import type { Measured } from '../frame/run-benchmark.ts'
import { median, ratioOf } from '../frame/statistics.ts'

/** What `--quick` measured before, by `benchmark/row`: ratios to the raw client, or plain counts. */
export type Baseline = Readonly<Record<string, number>>

/** `baseline.json`, which `npm run bench -- --quick --write` replaces. */
const baselineFile = new URL('../../baseline.json', import.meta.url)

export const readBaseline = async (): Promise<Baseline> =>
  JSON.parse(await readFile(baselineFile, 'utf8')) as Baseline

export const writeBaseline = async (baseline: Baseline): Promise<void> => {
  const sorted = Object.entries(baseline).toSorted(([a], [b]) => (a < b ? -1 : 1))
  const rounded = sorted.map(([key, value]) => [key, Number(value.toPrecision(4))])
  await writeFile(baselineFile, `${JSON.stringify(Object.fromEntries(rounded), undefined, 2)}\n`)
}

/** What one run contributes: for each of its quick rows the ratio `@sd` to the base, or its count. */
export const baselineOf = (name: string, benchmark: Benchmark, measured: Measured): Baseline =>
  Object.fromEntries(
    (benchmark.quick?.rows ?? []).flatMap((row) => {
      const goal = quickGoalOf(benchmark, row)
      const side = measured.rows[row]?.[goal.side]
      if (side === undefined) return []
      const against = goal.against === undefined ? undefined : measured.rows[row]?.[goal.against]
      const value = against === undefined ? median(side.medians) : ratioOf(side, against).ratio
      return [[`${name}/${row}`, value]]
    }),
  )

/** A row that takes more than `largestLoss` more than before. */
export interface Loss {
  readonly row: string
  readonly before: number
  readonly now: number
}

/** A loss of this share of the baseline fails. */
const largestLoss = 0.25

/** The rows of `now` that have lost too much; a row without a baseline has lost nothing. */
export const lossesOf = (baseline: Baseline, now: Baseline): readonly Loss[] =>
  Object.entries(now).flatMap(([row, value]) => {
    const before = baseline[row]
    return before !== undefined && value > before * (1 + largestLoss)
      ? [{ row, before, now: value }]
      : []
  })

/** The better of two measurements of each row. */
export const bestOf = (a: Baseline, b: Baseline): Baseline => {
  const best: Record<string, number> = { ...a }
  for (const [row, value] of Object.entries(b)) best[row] = Math.min(best[row] ?? value, value)
  return best
}
