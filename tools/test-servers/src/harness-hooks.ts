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

/** What a format changes nothing about: connections and their faults are tested with the default one. */
const unaffected: readonly Need[] = [
  'secure',
  'askForTls',
  'invalidConfigs',
  'partition',
  'slow',
  'narrow',
  'cutAt',
  'silence',
  'hangWrites',
  'delayWrites',
  'connectionCount',
  'startWorkerOwner',
]

/**
 * The formats whose suite runs on a backend: the first; with `SD_TEST_FORMATS=further`, which takes minutes
 * and is set by `.ci/run`, the others; with `SD_TEST_FORMATS=all` each. The tests of the codecs and of
 * `tools/peers` always run with each.
 */
export const formatsUnderTest = <const Name extends string>(
  names: readonly Name[],
): readonly Name[] => {
  const which = process.env['SD_TEST_FORMATS']
  if (which === 'all') return names
  return which === 'further' ? names.slice(1) : names.slice(0, 1)
}

/** The hooks for the suite with the format of another fleet; `further` are left out, too, each with a reason. */
export const formatHooks = (
  { provides, missing }: HarnessHooks,
  further: HarnessHooks['missing'] = {},
): HarnessHooks => {
  const unchanged = unaffected.map((hook) => [hook, 'a format changes nothing there'])
  const left: HarnessHooks['missing'] = { ...Object.fromEntries(unchanged), ...further }
  return {
    provides: provides.filter((hook) => left[hook] === undefined),
    missing: { ...missing, ...left },
  }
}
