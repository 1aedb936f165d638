/**
 * `npm run simulate -- --seeds 100000`: many seeds on all cores. `--from` is the first seed;
 * `--seed N` replays one seed and prints every event.
 */
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { explainFailure } from './explain-failure.ts'
import type { Failure } from './run-seeds.ts'
import { drawSchedule } from './schedule/draw-schedule.ts'
import { simulate } from './world/simulate.ts'

const help = `npm run simulate -- [options]

Runs core against a simulated server on a virtual clock, under seeded schedules of operations and faults.

  --seeds N    how many seeds (10000), on all cores
  --from N     the first one (1)
  --seed N     replays one seed, and prints all that happens
  --help       this text

Explains up to three seeds that fail, with the shortest schedule that still fails, and ends with 1.`

/** How many seeds a worker is given at once. */
const portion = 500
const mostFailures = 3

const replay = async (seed: number): Promise<boolean> => {
  const schedule = drawSchedule(seed)
  const { violations } = await simulate(schedule, console.log)
  if (violations.length === 0) console.log(`seed ${seed} (${schedule.kind}) holds`)
  else console.log(`\n${await explainFailure(schedule, violations)}`)
  return violations.length === 0
}

const runAll = async (from: number, count: number): Promise<boolean> => {
  const startMs = performance.now()
  const failures: Failure[] = []
  let next = from
  let done = 0
  const work = async (): Promise<void> => {
    const worker = new Worker(new URL('simulate-worker.ts', import.meta.url), {
      resourceLimits: { maxYoungGenerationSizeMb: 64 },
    })
    try {
      while (next < from + count && failures.length < mostFailures) {
        const request = { from: next, count: Math.min(portion, from + count - next) }
        next += request.count
        worker.postMessage(request)
        const [found] = (await once(worker, 'message')) as [readonly Failure[]]
        failures.push(...found)
        done += request.count
        if (done % 10_000 < portion) console.log(`${done} seeds, ${failures.length} failed`)
      }
    } finally {
      await worker.terminate()
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work))
  for (const { schedule, violations } of failures.slice(0, mostFailures))
    console.log(`\n${await explainFailure(schedule, violations)}`)
  const seconds = (performance.now() - startMs) / 1_000
  console.log(`${done} seeds in ${seconds.toFixed(0)} s: ${failures.length} failed`)
  return failures.length === 0
}

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '10000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(help)
  process.exit()
}
const held =
  values.seed === undefined
    ? await runAll(Number(values.from), Number(values.seeds))
    : await replay(Number(values.seed))
process.exitCode = held ? 0 : 1
