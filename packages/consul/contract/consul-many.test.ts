import { describeRegistryContract } from '@sd/contract-tests'
import { plainHarness } from './consul-harness.ts'

describeRegistryContract('consul, 1,000 instances', ['expireSession'], plainHarness, {
  only: ['R10', 'W7'],
  ttlMs: 10_000,
  // 2.5 s on an idle machine, many times that on a busy one: an agent writes one record at a time
  manyMs: 15_000,
})
