import { describeRegistryContract } from '@sd/contract-tests'
import { memoryHarness, memoryNeeds } from './memory-harness.ts'
import { unreliable } from './unreliable.ts'

describeRegistryContract(
  'memory behind an unreliable link',
  memoryNeeds,
  async () => memoryHarness((factory) => unreliable(factory, { failing: 0.1, maxDelayMs: 20 })),
  { ttlMs: 2_000, graceMs: 200, many: 200, concurrency: 2 },
)
