import type { BenchServers } from './frame/bench-servers.ts'
import type { Benchmark } from './frame/benchmark.ts'
import { runBenchmark } from './frame/run-benchmark.ts'
import {
  type Baseline,
  baselineOf,
  bestOf,
  lossesOf,
  readBaseline,
  writeBaseline,
} from './report/baseline.ts'
import { figure } from './report/describe-measured.ts'

/** A row that seems to have lost is measured this often in all: a busy machine is no loss. */
const attempts = 3

const say = (line: string): void => void process.stdout.write(`${line}\n`)

/**
 * Measures the quick rows and compares them with the baseline, or replaces it. Resolves to whether no
 * row has lost.
 */
export const runQuick = async (
  benchmarks: ReadonlyMap<string, Benchmark>,
  servers: BenchServers,
  write: boolean,
): Promise<boolean> => {
  const baseline = write ? {} : await readBaseline()
  let all: Baseline = {}
  let lost = 0
  for (const [name, benchmark] of benchmarks) {
    if (benchmark.quick === undefined) continue
    let found: Baseline = {}
    for (let attempt = 1; attempt <= attempts; attempt += 1) {
      const measured = await runBenchmark(name, benchmark, { servers, quick: true })
      found = bestOf(found, baselineOf(name, benchmark, measured))
      if (lossesOf(baseline, found).length === 0) break
    }
    const losses = new Set(lossesOf(baseline, found).map(({ row }) => row))
    for (const [row, value] of Object.entries(found)) {
      const before = baseline[row]
      const known = before === undefined ? 'no baseline' : `baseline ${figure(before)}`
      say(`${losses.has(row) ? 'LOST' : 'ok  '} ${row}: ${figure(value)}, ${known}`)
    }
    lost += losses.size
    all = { ...all, ...found }
  }
  if (write) await writeBaseline({ ...(await readBaseline().catch(() => ({}))), ...all })
  say(`\n${Object.keys(all).length - lost} passed, ${lost} failed`)
  return lost === 0
}
