import { randomUUID } from 'node:crypto'
import type { BenchServers } from './bench-servers.ts'
import { type Benchmark, quickGoalOf } from './benchmark.ts'
import { median, type Summary, summarize } from './statistics.ts'
import { runSample, type Sample } from './run-sample.ts'

/** What a run of one benchmark measured. */
export interface Measured {
  /** By row, then by side; a side whose toolchain is missing is absent. */
  readonly rows: Readonly<Record<string, Readonly<Record<string, Summary>>>>
  /** How busy the machine was: the median and the highest over all samples. */
  readonly load: {
    readonly loadAverage: number
    readonly othersMedian?: number
    readonly othersHighest?: number
  }
  /** The server, as `etcd 3.5.16`. */
  readonly server?: string
}

/** How to run a benchmark. */
export interface RunOptions {
  readonly servers: BenchServers
  /** Samples of each side. Default: those of the benchmark. */
  readonly samples?: number | undefined
  readonly quick?: boolean
  /** The folder for CPU profiles, with one folder for each side. */
  readonly profiles?: string | undefined
  readonly say?: (line: string) => void
}

const listOf = (value: number | readonly number[] | undefined): readonly number[] =>
  value === undefined ? [] : typeof value === 'number' ? [value] : value

const rowsOf = (
  benchmark: Benchmark,
  samples: ReadonlyMap<string, readonly Sample[]>,
): Measured['rows'] =>
  Object.fromEntries(
    Object.keys(benchmark.rows).map((row) => [
      row,
      Object.fromEntries(
        [...samples].flatMap(([side, taken]) => {
          const values = taken.map((sample) => listOf(sample.values[row]))
          // a side need not measure every row
          return values.some((each) => each.length > 0) ? [[side, summarize(values)]] : []
        }),
      ),
    ]),
  )

const loadOf = (samples: readonly Sample[]): Measured['load'] => {
  const others = samples.flatMap(({ load }) => load.others ?? [])
  return {
    loadAverage: median(samples.map(({ load }) => load.loadAverage)),
    ...(others.length === 0
      ? {}
      : { othersMedian: median(others), othersHighest: Math.max(...others) }),
  }
}

/**
 * Runs the samples of all sides in turn, so that other load on the machine affects all alike, and
 * begins each round with another side.
 */
export const runBenchmark = async (
  name: string,
  benchmark: Benchmark,
  { servers, samples: asked, quick = false, profiles, say = () => {} }: RunOptions,
): Promise<Measured> => {
  const quickSides = (benchmark.quick?.rows ?? []).flatMap((row) => {
    const { side, against = side } = quickGoalOf(benchmark, row)
    return [side, against]
  })
  const wanted = Object.entries(benchmark.sides).filter(
    ([side]) => !quick || quickSides.includes(side),
  )
  const peers = await servers.commands(wanted.map(([, side]) => side))
  const endpoint = await servers.endpoint(benchmark.server)
  const prepared = `bench-${name}`
  const run = (side: string | undefined): Promise<Sample> => {
    const namespace = `bench-${randomUUID()}`
    const world = { endpoint, namespace, prepared, peers, quick }
    return runSample(
      { benchmark: name, side, world },
      {
        timeoutMs: benchmark.timeoutMs ?? 60_000,
        fault: (fault) => servers.fault(benchmark.server, fault),
        profiles: profiles && side && `${profiles}/${name}/${side.replaceAll('/', '-')}`,
      },
    )
  }
  if (benchmark.prepare !== undefined) await run(undefined)
  const sides = wanted.flatMap(([side, { needs }]) =>
    needs === undefined || peers[needs] !== undefined ? [side] : [],
  )
  const samples = new Map<string, Sample[]>(sides.map((side) => [side, []]))
  const count = asked ?? (quick ? benchmark.quick?.samples : undefined) ?? benchmark.samples ?? 5
  for (let round = 0; round < count; round += 1) {
    const first = round % sides.length
    for (const side of [...sides.slice(first), ...sides.slice(0, first)]) {
      const sample = await run(side)
      samples.get(side)?.push(sample)
      const { loadAverage, others } = sample.load
      const share = others === undefined ? '' : `, others ${(others * 100).toFixed(0)} % of the CPU`
      say(`  ${round + 1}/${count} ${side}: load ${loadAverage.toFixed(1)}${share}`)
    }
  }
  return {
    rows: rowsOf(benchmark, samples),
    load: loadOf([...samples.values()].flat()),
    ...(benchmark.server === undefined ? {} : { server: await servers.version(benchmark.server) }),
  }
}
