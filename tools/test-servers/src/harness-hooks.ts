import type { ContractOptions, Need } from '@sd/contract-tests'
import type { Provision } from './provision.ts'

/** What a harness can provide in one run, in the form that `describeRegistryContract` takes. */
export interface HarnessHooks {
  readonly provides: readonly Need[]
  readonly missing: NonNullable<ContractOptions['missing']>
}

/**
 * Those of `hooks` that the provision of a server allows. At an endpoint, the tests neither stop the
 * server nor change anything outside of their namespaces.
 */
export function harnessHooks(provision: Provision, hooks: readonly Need[]): HarnessHooks {
  if (provision.how !== 'endpoint') return { provides: hooks, missing: {} }
  const uncontrolled = `the tests do not control the server at ${provision.endpoint}`
  const shared = `it would affect all data of the server at ${provision.endpoint}`
  const missing: HarnessHooks['missing'] = {
    server: uncontrolled,
    secure: uncontrolled,
    loseHistory: shared,
    backUp: shared,
  }
  return { provides: hooks.filter((hook) => missing[hook] === undefined), missing }
}
