import { describeRegistryContract } from '@sd/contract-tests'
import { consulHarness, consulHooks } from './consul-harness.ts'

describeRegistryContract('consul', consulHooks.provides, () => consulHarness(), {
  missing: consulHooks.missing,
  // the server takes almost two seconds to restart in a container
  ttlMs: 3_000,
  // a check lives a second longer than the ttl
  graceMs: 1_500,
  // 500 are in consul-many.test.ts: a pass for each check every ttl/4 asks for a longer ttl
  many: 50,
  // each write costs 25 ms on a busy machine
  manyMs: 5_000,
  knownGaps: {
    'T22 answers no probe while the watches of its driver receive nothing':
      'an agent answers one request at a time on a connection, and a blocking query occupies its own until something changes or its wait ends: a probe can only use another connection, and silence is detected within 13.6 s',
    'T29 detects by probes that the link of an idle watch is silent, and ends no idle watch otherwise':
      'as for T22: an idle watch is not ended by the server or by probes, and silence is detected within 13.6 s',
    'T28 reports a record that another owner replaced, and has removed since, as replaced':
      'Consul keeps no history of its catalog',
  },
})
