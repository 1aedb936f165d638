import { describeRegistryContract } from '@sd/contract-tests'
import { plainHarness } from './consul-harness.ts'

describeRegistryContract('consul, 1,000 instances', ['expireSession'], plainHarness, {
  only: ['R10', 'W7'],
  ttlMs: 10_000,
  // An agent writes one record at a time, and each costs more the more it holds: 1,000 plain writes take
  // 3 s on an idle machine, and 7 to 11 s on a busy one.
  manyMs: 40_000,
})
