import { describeRegistryContract } from '@sd/contract-tests'
import { zookeeperHarness, zookeeperHooks } from './zookeeper-harness.ts'

describeRegistryContract('zookeeper', zookeeperHooks.provides, zookeeperHarness, {
  missing: zookeeperHooks.missing,
  // a server with the default tickTime of 2 s grants 4 s at least, and rounds up to its next tick
  ...(zookeeperHooks.provides.includes('server') ? {} : { ttlMs: 6_000, graceMs: 3_000 }),
  knownGaps: {
    'T28 reports a record that another owner replaced, and has removed since, as replaced':
      'ZooKeeper keeps no history, and only the client of a session can create nodes that end with it',
    'T20 passes heartbeats while a write hangs':
      'a session has one connection: the client leaves it with the hanging write, and sends the heartbeat over the next one',
  },
})
