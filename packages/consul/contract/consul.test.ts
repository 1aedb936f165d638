import { describeRegistryContract } from '@sd/contract-tests'
import { consulHarness, consulNeeds } from './consul-harness.ts'

describeRegistryContract('consul', consulNeeds, consulHarness, {
  ttlMs: 2_000,
  // what the server adds to a ttl before an owner's instances leave: measure it
  graceMs: 1_000,
})
