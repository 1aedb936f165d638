import { describeRegistryContract } from '@sd/contract-tests'
import { plainHarness } from './consul-harness.ts'

describeRegistryContract('consul, 500 instances', ['expireSession'], plainHarness, {
  only: ['R10', 'W7'],
  ttlMs: 10_000,
  // An agent writes one record at a time, and each costs more the more it holds: on a busy machine 1,000
  // plain writes take 7 to 11 s, and the next 1,000 18 to 27 s.
  many: 500,
  manyMs: 20_000,
})
