import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { startSweeper } from '@sd/contract-tests/servers'
import { repositoryRoot, runCommand } from '@sd/test-servers'
import { BenchServers } from './frame/bench-servers.ts'
import type { Benchmark } from './frame/benchmark.ts'
import { declaredBenchmarks } from './frame/declared-benchmarks.ts'
import { runBenchmark } from './frame/run-benchmark.ts'
import { ArgumentError, type Command, readArguments } from './read-arguments.ts'
import { describeMeasured } from './report/describe-measured.ts'
import { keepResult, readKeptResults } from './report/kept-results.ts'
import { describeProfiles } from './report/read-profile.ts'
import { writeDocument } from './report/write-document.ts'
import { runQuick } from './run-quick.ts'

const help = `Usage: npm run bench [-- OPTIONS]

Measures @sd beside the clients and libraries that do the same, on real servers, which are found or
provided as for the tests (CONTRIBUTING.md). Each sample is a fresh process; the sides take turns.

  --only NAME    this benchmark; may be repeated. Default: all
  --samples N    samples of each side. Default: those of the benchmark
  --write        keeps the results in tools/bench/results.json, and writes docs/benchmarks.md
  --profile      writes CPU profiles into .cache/profiles, and prints them by package and by function
  --quick        counts and other measures that noise does not move, in two minutes: compares them
                 with tools/bench/baseline.json, and fails when one has grown by a quarter
  --quick --write   replaces the baseline
  --document     writes docs/benchmarks.md from the results that are kept
  --list         lists the benchmarks
  --help         prints this

Without --quick it exits with 0 whether or not the goals are met: the table says so.`

const profiles = join(repositoryRoot, '.cache/profiles')
const say = (line: string): void => void process.stdout.write(`${line}\n`)

type Benchmarks = ReadonlyMap<string, Benchmark>

const chosen = (all: Benchmarks, only: readonly string[]): Benchmarks =>
  new Map([...all].filter(([name]) => only.length === 0 || only.includes(name)))

const runAll = async (
  benchmarks: Benchmarks,
  all: Benchmarks,
  servers: BenchServers,
  { samples, write, profile }: Extract<Command, { do: 'run' }>,
): Promise<void> => {
  for (const [name, benchmark] of benchmarks) {
    say(`${name}: ${benchmark.title}`)
    if (profile) await rm(join(profiles, name), { recursive: true, force: true })
    const measured = await runBenchmark(name, benchmark, {
      servers,
      samples,
      profiles: profile ? profiles : undefined,
      say,
    })
    for (const line of describeMeasured(benchmark, measured)) say(line)
    if (write) await writeDocument(all, await keepResult(name, measured))
    if (!profile) continue
    for (const side of await readdir(join(profiles, name)))
      for (const line of await describeProfiles(join(profiles, name, side), 40)) say(line)
  }
}

const run = async (): Promise<number> => {
  const all = await declaredBenchmarks()
  const command = readArguments(process.argv.slice(2), [...all.keys()])
  if (command.do === 'help') say(help)
  else if (command.do === 'list') for (const [name, { title }] of all) say(`${name}: ${title}`)
  else if (command.do === 'document') await writeDocument(all, await readKeptResults())
  else {
    // samples run on the built packages, as users do
    await runCommand('npm', ['run', '--silent', 'build'], {
      cwd: repositoryRoot,
      timeoutMs: 300_000,
    })
    const sweep = startSweeper()
    await using servers = new BenchServers()
    const benchmarks = chosen(all, command.only)
    try {
      if (command.do === 'quick')
        return (await runQuick(benchmarks, servers, command.write)) ? 0 : 1
      await runAll(benchmarks, all, servers, command)
    } finally {
      await sweep()
    }
  }
  return 0
}

process.exitCode = await run().catch((error: unknown) => {
  if (!(error instanceof ArgumentError)) throw error
  process.stderr.write(`${error.message}\n\n${help}\n`)
  return 2
})
