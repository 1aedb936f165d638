import type { ContractRun } from './contract-run.ts'
import type { ContractHarness } from './contract-harness.ts'

/** A hook that a case requires. */
export type Need = Exclude<
  keyof ContractHarness,
  'connect' | 'connectSteady' | typeof Symbol.asyncDispose
>

/** One case of the suite. Its name begins with the id of the guarantee that it checks. */
export interface ContractCase {
  readonly name: string
  readonly needs: readonly Need[]
  readonly run: (run: ContractRun) => Promise<void>
  /** Whether it has `many` instances or watchers, which occupy the event loop. */
  readonly large?: true
}

/** Names a case. */
export const contractCase = (
  name: string,
  needs: readonly Need[],
  run: (run: ContractRun) => Promise<void>,
): ContractCase => ({ name, needs, run })

/** Names a case with `many` instances or watchers. */
export const largeContractCase = (...given: Parameters<typeof contractCase>): ContractCase => ({
  ...contractCase(...given),
  large: true,
})
