import { describeRegistryContract } from '@sd/contract-tests'
import { provisionFor } from '@sd/test-servers'
import { consulHarness, consulNeeds } from './consul-harness.ts'

if ((await provisionFor('consul')).how !== 'endpoint')
  describeRegistryContract('consul', consulNeeds, consulHarness, {
    // the server takes almost two seconds to restart in a container
    ttlMs: 3_000,
    // a check lives a second longer than the ttl
    graceMs: 1_500,
    // 1,000 are in consul-many.test.ts: a pass for each check every ttl/4 asks for a longer ttl
    many: 200,
  })
