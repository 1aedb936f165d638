import { explainFailure } from './explain-failure.ts'
import { runSeeds } from './run-seeds.ts'

/** The test files that share the seeds, so that vitest runs them on several cores. */
const shares = 4

/** How many seeds `npm test` runs, unless `SD_SIM_SEEDS` says otherwise. */
const seeds = Number(process.env['SD_SIM_SEEDS'] ?? 4_000)

/** How many seeds one test file runs. */
export const seedsPerShare: number = Math.ceil(seeds / shares)

/** A slow, busy machine runs 40 seeds a second; the limit is far above that. */
export const shareTimeoutMs: number = 60_000 + seedsPerShare * 25

/** Runs one share and explains the failures; `undefined` when there are none. */
export const runShare = async (share: number): Promise<string | undefined> => {
  const failures = await runSeeds(1 + share * seedsPerShare, seedsPerShare)
  const explained: string[] = []
  for (const { schedule, violations } of failures)
    explained.push(await explainFailure(schedule, violations))
  return explained.length === 0 ? undefined : explained.join('\n\n')
}
