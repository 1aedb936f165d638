import { describeRegistryContract } from '@sd/contract-tests'
import { sqliteHarness, sqliteNeeds } from './sqlite-harness.ts'

describeRegistryContract('sqlite', sqliteNeeds, sqliteHarness, {
  ttlMs: 2_000,
  // what the server adds to a ttl before an owner's instances leave: measure it
  graceMs: 1_000,
})
