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
    knownGaps: {
      'T8 refuses to write once the session has ended, before any heartbeat reports it':
        'Consul keeps no sessions: a write registers the instance anew, under a check of its own',
      'T21 answers the next call in time after one that timed out on a dead connection':
        'each connection of a pool is detected as dead separately, by a call on it that times out',
      'T22 answers no probe while the watches of its driver receive nothing':
        'a probe cannot use a connection that a blocking query occupies: silence is detected when the query’s wait ends, within 13.6 s',
      'T28 reports a record that another owner replaced, and has removed since, as replaced':
        'Consul keeps no history of its catalog',
    },
  })
