import { createDriverContext } from '@sd/core/driver'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { capabilityCases } from './cases/capability-cases.ts'
import { discoveryCases } from './cases/discovery-cases.ts'
import { recoveryCases } from './cases/recovery-cases.ts'
import { registrationCases } from './cases/registration-cases.ts'
import { scaleCases } from './cases/scale-cases.ts'
import { securityCases } from './cases/security-cases.ts'
import { watchingCases } from './cases/watching-cases.ts'
import type { ContractCase, Need } from './contract-case.ts'
import type { ContractHarness, ContractOptions } from './contract-harness.ts'
import { ContractRun } from './contract-run.ts'

const allCases: readonly ContractCase[] = [
  ...registrationCases,
  ...recoveryCases,
  ...scaleCases,
  ...discoveryCases,
  ...watchingCases,
  ...securityCases,
  ...capabilityCases,
]

/** The names of all cases, as `knownGaps` uses them. */
export const contractCaseNames: readonly string[] = allCases.map(({ name }) => name)

/** The backoff cap of the suite's registries: short, so that recovery is seen soon. */
const capMs = 1_000
/** What a loaded machine may add to any bound before a case fails. */
const slackMs = 3_000

/**
 * Declares the contract suite for one backend, as Vitest tests. `harness` is made once, before
 * the first case, and disposed of after the last; `provides` says what it will have, as Vitest
 * needs to know the cases before any of them runs.
 */
export const describeRegistryContract = (
  name: string,
  provides: readonly Need[],
  harness: () => Promise<ContractHarness>,
  options: ContractOptions = {},
): void => {
  const { ttlMs = 2_000, graceMs = 1_000, many = 1_000, manyMs = 0, only, knownGaps = {} } = options
  for (const gap of Object.keys(knownGaps))
    if (!contractCaseNames.includes(gap)) throw new Error(`knownGaps: there is no case "${gap}"`)
  describe(`${name}: registry contract`, () => {
    let current: ContractHarness | undefined
    beforeAll(async () => {
      current = await harness()
    })
    afterAll(async () => {
      await current?.[Symbol.asyncDispose]()
    })

    const execute = (contractCase: ContractCase) => async (): Promise<void> => {
      if (current === undefined) throw new Error('the harness did not start')
      const missing = contractCase.needs.filter((need) => current?.[need] === undefined)
      if (missing.length > 0) throw new Error(`the harness lacks ${missing.join(', ')}`)
      const factory = current.connect('capabilities')
      await using driver = factory(createDriverContext())
      const times = { ttlMs, graceMs, capMs, manyMs, slackMs }
      const run = new ContractRun(current, driver.capabilities, times, many)
      try {
        await contractCase.run(run)
      } catch (error) {
        // what the case failed with says more than what its cleanup may fail with then
        await run[Symbol.asyncDispose]().catch(() => {})
        throw error
      }
      await run[Symbol.asyncDispose]()
    }

    for (const contractCase of allCases) {
      const [id = ''] = contractCase.name.split(' ')
      if (only !== undefined && !only.includes(id)) continue
      const missing = contractCase.needs.filter((need) => !provides.includes(need))
      const timeout = 60_000 + 10 * ttlMs
      if (missing.length > 0)
        test.skip(`${contractCase.name} (this harness has no ${missing.join(', ')})`, () => {})
      else if (knownGaps[contractCase.name] !== undefined)
        test.fails(
          `${contractCase.name} (known gap: ${knownGaps[contractCase.name]})`,
          { timeout },
          execute(contractCase),
        )
      else test(contractCase.name, { timeout }, execute(contractCase))
    }
  })
}
