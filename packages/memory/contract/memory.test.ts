import { describeRegistryContract } from '@sd/contract-tests'
import { memoryHarness, memoryNeeds } from './memory-harness.ts'

describeRegistryContract('memory', memoryNeeds, async () => memoryHarness(), {
  concurrency: 2,
  ttlMs: 2_000,
  graceMs: 100,
})
