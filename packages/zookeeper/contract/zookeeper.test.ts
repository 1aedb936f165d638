import { describeRegistryContract } from '@sd/contract-tests'
import { gapsInAnyFormat, zookeeperHarness, zookeeperHooks } from './zookeeper-harness.ts'

describeRegistryContract('zookeeper', zookeeperHooks.provides, zookeeperHarness, {
  missing: zookeeperHooks.missing,
  concurrency: 2,
  // a server with the default tickTime of 2 s grants 4 s at least, and rounds up to its next tick
  ...(zookeeperHooks.provides.includes('server') ? {} : { ttlMs: 6_000, graceMs: 3_000 }),
  knownGaps: {
    ...gapsInAnyFormat,
    'T20 passes heartbeats while a write hangs':
      'a session has one connection: the client leaves it with the hanging write, and sends the heartbeat over the next one',
  },
})
