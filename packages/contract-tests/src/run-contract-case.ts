import { createDriverContext } from '@sd/core/driver'
import type { ContractCase } from './contract-case.ts'
import type { ContractHarness } from './contract-harness.ts'
import { ContractRun, type ContractTimes } from './contract-run.ts'
import { failureWithLogs } from './failure-message.ts'

/** What a run of one case is bounded by. */
export interface CaseBounds {
  readonly times: ContractTimes
  /** How many instances and watchers the large cases use. */
  readonly many: number
}

/** The backoff cap of the suite's registries: short, so that recovery is seen soon. */
const capMs = 1_000
/** What a loaded machine may add to any bound before a case fails. */
const slackMs = 3_000

/** The bounds of a case, where `given` does not say otherwise. */
export const caseBounds = (
  given: Partial<ContractTimes> & { readonly many?: number } = {},
): CaseBounds => {
  const { many = 1_000, ...times } = given
  return {
    times: { ttlMs: 2_000, graceMs: 1_000, capMs, manyMs: 0, slackMs, ...times },
    many,
  }
}

/**
 * Runs one case on `harness`, in a namespace of its own, and closes all that it opened. Throws what
 * the case failed with, or that the harness lacks a hook which it needs. It only has to be called
 * within a test of Vitest, as cases use its `expect`.
 */
export const runContractCase = async (
  contractCase: ContractCase,
  harness: ContractHarness,
  { times, many }: CaseBounds,
): Promise<void> => {
  const missing = contractCase.needs.filter((need) => harness[need] === undefined)
  if (missing.length > 0) throw new Error(`the harness lacks ${missing.join(', ')}`)
  await using driver = harness.connect('capabilities')(createDriverContext())
  const run = new ContractRun(harness, driver.capabilities, times, many)
  try {
    await contractCase.run(run)
  } catch (error) {
    // what the case failed with says more than what its cleanup may fail with then
    await run[Symbol.asyncDispose]().catch(() => {})
    throw failureWithLogs(error, run.logs)
  }
  await run[Symbol.asyncDispose]()
}
