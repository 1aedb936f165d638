import { describeRegistryContract } from '@sd/contract-tests'
import { sqliteHarness, sqliteNeeds } from './sqlite-harness.ts'

describeRegistryContract('sqlite', sqliteNeeds, sqliteHarness, {
  ttlMs: 2_000,
  // a watching process polls every 250 ms
  graceMs: 500,
})
