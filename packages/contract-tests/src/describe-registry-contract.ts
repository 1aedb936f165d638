import { jsonFormat } from '@sd/core/driver'
import { afterAll, beforeAll, describe, test } from 'vitest'
import type { ContractCase, Need } from './contract-case.ts'
import { contractCaseNames, contractCases } from './contract-cases.ts'
import type { ContractHarness, ContractOptions } from './contract-harness.ts'
import { formatGaps, whyNotWith } from './format/format-gaps.ts'
import { caseBounds, runContractCase } from './run-contract-case.ts'
import { type SelectedCase, selectCases } from './select-cases.ts'
import { shareOut } from './share-out.ts'

/**
 * Declares the contract suite for one backend, as Vitest tests. `harness` is called before the first
 * case, once for each case that runs at a time (`concurrency`), and its results are disposed of after
 * the last. `provides` names the hooks that it will have, as Vitest must know the cases before any of
 * them runs.
 */
export const describeRegistryContract = (
  name: string,
  provides: readonly Need[],
  harness: () => Promise<ContractHarness>,
  options: ContractOptions = {},
): void => {
  const { only, missing = {}, format = jsonFormat, concurrency = 1, ...given } = options
  const knownGaps = { ...formatGaps(format), ...options.knownGaps }
  const bounds = caseBounds({ ...given, format })
  for (const gap of Object.keys(knownGaps))
    if (!contractCaseNames.includes(gap))
      throw new Error(`knownGaps names an unknown case: "${gap}"`)
  const timeout = 60_000 + 10 * bounds.times.ttlMs
  const cases = selectCases(contractCases, provides, missing).filter(
    ({ contractCase: { name: caseName } }) => only?.includes(caseName.split(' ')[0] ?? '') ?? true,
  )
  const shares = shareOut(cases, concurrency)

  describe(`${name}: registry contract`, () => {
    const harnesses: ContractHarness[] = []
    beforeAll(async () => {
      while (harnesses.length < concurrency) harnesses.push(await harness())
    })
    afterAll(async () => {
      // every server is stopped, also when another one's disposal fails
      const disposals = harnesses.map((one) => one[Symbol.asyncDispose]())
      for (const disposal of await Promise.allSettled(disposals))
        if (disposal.status === 'rejected') throw disposal.reason
    })

    const execute = (contractCase: ContractCase, on: number) => async (): Promise<void> => {
      const current = harnesses[on]
      if (current === undefined) throw new Error('the harness did not start')
      await runContractCase(contractCase, current, bounds)
    }

    const declare = ({ contractCase, skipped: lacking }: SelectedCase, on: number): void => {
      const skipped = lacking ?? whyNotWith(format, contractCase.name)
      const gap = knownGaps[contractCase.name]
      const oneByOne = { timeout, concurrent: false }
      if (skipped !== undefined) test.skip(`${contractCase.name} (${skipped})`, () => {})
      else if (gap !== undefined)
        test.fails(`${contractCase.name} (known gap: ${gap})`, oneByOne, execute(contractCase, on))
      else test(contractCase.name, oneByOne, execute(contractCase, on))
    }

    for (const [on, share] of shares.beside.entries())
      describe(`harness ${on + 1}`, { concurrent: true }, () => {
        for (const selected of share) declare(selected, on)
      })
    for (const selected of shares.alone) declare(selected, 0)
  })
}
