import { readFile, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus, release, totalmem } from 'node:os'
import type { Measured } from '../frame/run-benchmark.ts'

/** Where and when a benchmark was run. */
interface Machine {
  readonly processor: string
  readonly cores: number
  readonly memoryGb: number
  readonly system: string
  readonly node: string
}

/** What the last run of a benchmark measured. */
export interface KeptResult extends Measured {
  readonly date: string
  readonly machine: Machine
}

/** The kept results by the benchmark's name. */
export type KeptResults = Readonly<Record<string, KeptResult>>

/** `results.json`, from which `docs/benchmarks.md` is written. */
const resultsFile = new URL('../../results.json', import.meta.url)

/** Reads the kept results; none when there is no file yet. */
export const readKeptResults = async (): Promise<KeptResults> =>
  JSON.parse(await readFile(resultsFile, 'utf8').catch(() => '{}')) as KeptResults

const rounded = (_: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value

/** Keeps what was measured just now, in the place of the last result of the same benchmark. */
export const keepResult = async (name: string, measured: Measured): Promise<KeptResults> => {
  const result: KeptResult = {
    date: new Date().toISOString().slice(0, 10),
    machine: {
      processor: cpus()[0]?.model ?? 'unknown',
      cores: availableParallelism(),
      memoryGb: Math.round(totalmem() / 2 ** 30),
      system: `${process.platform} ${release().split('.').slice(0, 2).join('.')} ${process.arch}`,
      node: process.versions.node,
    },
    ...measured,
  }
  const all = { ...(await readKeptResults()), [name]: result }
  const sorted = Object.fromEntries(Object.entries(all).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  const text = JSON.stringify(sorted, rounded, 1)
  await writeFile(resultsFile, `${text}\n`)
  return JSON.parse(text) as KeptResults // as the next run reads them
}
