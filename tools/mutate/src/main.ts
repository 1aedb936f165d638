/** `npm run mutate`: which small changes of core no test notices. */
import { execFileSync } from 'node:child_process'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { findMutants } from './find-mutants.ts'
import { measureBaseline, runMutants } from './run-mutants.ts'
import type { Baseline, Measure, Request, Task } from './messages.ts'
import type { Mutant } from './mutant.ts'
import { reportResults } from './report-results.ts'
import { ResultCache, type Result } from './result-cache.ts'
import { readAccepted } from './accepted-survivors.ts'
import { writeScores } from './score-table.ts'

const help = `npm run mutate -- [options]

Changes packages/core/src in one small place at a time and runs the unit tests of core that pass there,
then seeds of the simulation, until one fails. A change that nothing notices survives.

  --file TEXT       only files whose path contains TEXT; may be repeated
  --since REF       only files that differ from a git revision
  --sample N        only every Nth mutant of each file (1)
  --seeds N         how many seeds each mutant is given at most (30)
  --jobs N          processes at a time (1)
  --threshold N     the lowest score that passes, in percent (85)
  --fresh           forgets the results of earlier runs
  --figures         writes the table of a whole run into docs/adr/0041-mutation-testing-of-core.md
  --help            this text

Results are kept in .cache/mutate: a mutant runs again when its file changed, or the test that noticed it;
a survivor runs again with the tests that changed since. A run that is stopped goes on where it was. The
report is .cache/mutate/report.json.
Ends with 1 when the score is below the threshold, when a survivor has no reason in
tools/mutate/accepted-survivors.json, and when that names what is noticed, or no mutant.`

const root = fileURLToPath(new URL('../../..', import.meta.url))
const { values: options } = parseArgs({
  options: {
    file: { type: 'string', multiple: true, default: [] },
    since: { type: 'string' },
    sample: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '30' },
    jobs: { type: 'string', default: '1' },
    threshold: { type: 'string', default: '85' },
    fresh: { type: 'boolean', default: false },
    figures: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

/** Seeds that are looked at, to find enough of them for each place. */
const measuredSeeds = 150

const list = (pattern: string): readonly string[] =>
  globSync(pattern, { cwd: root })
    .map((file) => file.replaceAll('\\', '/'))
    .toSorted()

const isChosen = (): ((file: string) => boolean) => {
  const { file: parts, since } = options
  const changed =
    since === undefined
      ? undefined
      : new Set(
          execFileSync('git', ['diff', '--name-only', '--relative', since], {
            cwd: root,
            encoding: 'utf8',
          }).split('\n'),
        )
  return (file) =>
    (parts.length === 0 || parts.some((part) => file.includes(part))) &&
    (changed?.has(file) ?? true)
}

/** The seeds of all kinds in turn. */
const inTurn = (seeds: readonly Measure[]): readonly Measure[] => {
  const kinds = [...Map.groupBy(seeds, ({ kind }) => kind).values()]
  const most = Math.max(0, ...kinds.map(({ length }) => length))
  return Array.from({ length: most }, (_, turn) => kinds.flatMap((some) => some[turn] ?? [])).flat()
}

/** Tests first, the fastest of them at the front, then seeds. */
const namesFor = (
  number: number,
  baseline: Baseline,
  seeds: number,
  first: string | undefined,
): readonly string[] => {
  const isStatic = baseline.loading.includes(number)
  const passes = ({ passed }: { readonly passed: readonly number[] }): boolean =>
    passed.includes(number)
  const tests = baseline.tests
    .filter((one) => isStatic || passes(one))
    .toSorted((a, b) => a.tookMs - b.tookMs)
  const more = inTurn(baseline.seeds.filter((one) => isStatic || passes(one))).slice(0, seeds)
  const names = [...tests, ...more].map(({ name }) => name)
  return first !== undefined && names.includes(first)
    ? [first, ...names.filter((name) => name !== first)]
    : names
}

const main = async (): Promise<number> => {
  const sources = list('packages/core/src/**/*.ts').map((file) => ({
    file,
    code: readFileSync(join(root, file), 'utf8'),
  }))
  const mutants = sources.flatMap(({ file, code }): readonly Mutant[] => findMutants(file, code))
  const chosen = isChosen()
  const sample = Number(options.sample)
  const countOf = new Map<string, number>()
  const numbers = mutants.flatMap(({ file }, number) => {
    if (!chosen(file)) return []
    const count = countOf.get(file) ?? 0
    countOf.set(file, count + 1)
    return count % sample === 0 ? [number] : []
  })
  const cache = new ResultCache(root, sources, list('packages/core/test/**/*.ts'))
  if (options.fresh) cache.forget()
  const results: Result[] = []
  const open: number[] = []
  for (const number of numbers) {
    const mutant = mutants[number] as Mutant
    const known = cache.find(mutant)
    if (known === undefined) open.push(number)
    else results.push({ mutant, ...known })
  }
  if (open.length > 0) {
    const task: Task = {
      root,
      sources,
      mutants,
      testFiles: list('packages/core/test/**/*.test.ts').filter(
        (file) => !file.includes('/simulation/'),
      ),
      seeds: measuredSeeds,
      activeWhileLoading: undefined,
      baseline: undefined,
    }
    const baseline = await measureBaseline(task)
    console.log(
      `${open.length} of ${numbers.length} mutants to run, ${baseline.tests.length} tests`,
    )
    const requests: Request[] = []
    for (const number of open) {
      const mutant = mutants[number] as Mutant
      const all = namesFor(number, baseline, Number(options.seeds), cache.lastKiller(mutant))
      const names = all.filter(cache.news(mutant))
      if (names.length > 0) requests.push({ number, names })
      else results.push(cache.keep(mutant, { status: all.length > 0 ? 'survived' : 'uncovered' }))
    }
    console.log(`${open.length - requests.length} of them need no test`)
    let done = 0
    await runMutants(
      { ...task, baseline },
      requests,
      Number(options.jobs),
      ({ number, killer, cause }) => {
        const status = killer === undefined ? 'survived' : 'killed'
        results.push(cache.keep(mutants[number] as Mutant, { status, killer, cause }))
        done += 1
        if (done % 25 === 0) {
          cache.save()
          console.log(`${done} of ${requests.length}`)
        }
      },
    )
    cache.save()
  }
  const { scores, wrong } = reportResults(results, {
    root,
    accepted: readAccepted(),
    allMutants: mutants,
    threshold: Number(options.threshold),
  })
  if (options.figures) {
    if (results.length < mutants.length) throw new Error('--figures needs a run of all mutants')
    const decision = join(root, 'docs/adr/0041-mutation-testing-of-core.md')
    const date = new Date().toISOString().slice(0, 10)
    writeFileSync(decision, writeScores(readFileSync(decision, 'utf8'), scores, date))
  }
  return wrong.length === 0 ? 0 : 1
}

if (options.help) console.log(help)
else process.exitCode = await main()
