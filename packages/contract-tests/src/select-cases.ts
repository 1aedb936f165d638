import type { ContractCase, Need } from './contract-case.ts'
import type { ContractOptions } from './contract-harness.ts'

/** A case of one run. */
export interface SelectedCase {
  readonly contractCase: ContractCase
  /** Why it is skipped, as a part of its name; undefined for a case that runs. */
  readonly skipped: string | undefined
}

/** The cases of one run: those that need a hook which is not in `provides` are skipped. */
export const selectCases = (
  cases: readonly ContractCase[],
  provides: readonly Need[],
  missing: NonNullable<ContractOptions['missing']> = {},
): readonly SelectedCase[] =>
  cases.map((contractCase) => {
    const lacks = contractCase.needs.filter((need) => !provides.includes(need))
    if (lacks.length === 0) return { contractCase, skipped: undefined }
    const reasons = new Set(lacks.flatMap((need) => missing[need] ?? []))
    const because = reasons.size > 0 ? `: ${[...reasons].join('; ')}` : ''
    return { contractCase, skipped: `this harness has no ${lacks.join(', ')}${because}` }
  })
