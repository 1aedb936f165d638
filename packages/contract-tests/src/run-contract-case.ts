import { createDriverContext, jsonFormat, type WireFormat } from '@sd/core/driver'
import type { ContractCase } from './contract-case.ts'
import type { ContractHarness } from './contract-harness.ts'
import { ContractRun, type ContractTimes } from './contract-run.ts'
import { failureWithLogs } from './failure-message.ts'

/** Limits of a run of one case. */
export interface CaseBounds {
  readonly times: ContractTimes
  /** How many instances and watchers the large cases use. */
  readonly many: number
  /** The format of the records. */
  readonly format: WireFormat
}

/** The backoff cap of the suite's registries: short, for a quick recovery. */
const capMs = 1_000
/** Added to every bound before a case fails, for loaded machines. */
const slackMs = 3_000

/** The limits of a case, with defaults for what `given` leaves out. */
export const caseBounds = (
  given: Partial<ContractTimes> & Partial<Pick<CaseBounds, 'many' | 'format'>> = {},
): CaseBounds => {
  const { many = 1_000, format = jsonFormat, ...times } = given
  return {
    times: { ttlMs: 2_000, graceMs: 1_000, capMs, manyMs: 0, slackMs, ...times },
    many,
    format,
  }
}

/**
 * Runs one case on `harness`, in its own namespace, and closes everything that it opened. Throws
 * the case's failure, or an error if the harness lacks a required hook. Must be called within a
 * Vitest test, as cases use its `expect`.
 */
export const runContractCase = async (
  contractCase: ContractCase,
  harness: ContractHarness,
  { times, many, format }: CaseBounds,
): Promise<void> => {
  const missing = contractCase.needs.filter((need) => harness[need] === undefined)
  if (missing.length > 0) throw new Error(`the harness lacks ${missing.join(', ')}`)
  await using driver = harness.connect('capabilities')(createDriverContext({ format }))
  const run = new ContractRun(harness, driver.capabilities, times, many, format)
  try {
    await contractCase.run(run)
  } catch (error) {
    // the failure of the case matters more than one of its cleanup
    await run[Symbol.asyncDispose]().catch(() => {})
    throw failureWithLogs(error, run.logs)
  }
  await run[Symbol.asyncDispose]()
}
