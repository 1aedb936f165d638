import { jsonFormat } from '@sd/core/driver'
import { afterAll, beforeAll, describe, test } from 'vitest'
import type { ContractCase, Need } from './contract-case.ts'
import { contractCaseNames, contractCases } from './contract-cases.ts'
import type { ContractHarness, ContractOptions } from './contract-harness.ts'
import { formatGaps, whyNotWith } from './format/format-gaps.ts'
import { caseBounds, runContractCase } from './run-contract-case.ts'
import { selectCases } from './select-cases.ts'

/**
 * Declares the contract suite for one backend, as Vitest tests. `harness` is called once, before
 * the first case, and its result is disposed of after the last. `provides` names the hooks that it
 * will have, as Vitest must know the cases before any of them runs.
 */
export const describeRegistryContract = (
  name: string,
  provides: readonly Need[],
  harness: () => Promise<ContractHarness>,
  options: ContractOptions = {},
): void => {
  const { only, missing = {}, format = jsonFormat, ...given } = options
  const knownGaps = { ...formatGaps(format), ...options.knownGaps }
  const bounds = caseBounds({ ...given, format })
  for (const gap of Object.keys(knownGaps))
    if (!contractCaseNames.includes(gap))
      throw new Error(`knownGaps names an unknown case: "${gap}"`)
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
      await runContractCase(contractCase, current, bounds)
    }

    for (const { contractCase, skipped: lacking } of selectCases(
      contractCases,
      provides,
      missing,
    )) {
      const skipped = lacking ?? whyNotWith(format, contractCase.name)
      if (only !== undefined && !only.includes(contractCase.name.split(' ')[0] ?? '')) continue
      const timeout = 60_000 + 10 * bounds.times.ttlMs
      if (skipped !== undefined) test.skip(`${contractCase.name} (${skipped})`, () => {})
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
