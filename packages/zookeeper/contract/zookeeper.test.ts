import { describeRegistryContract } from '@sd/contract-tests'
import { provisionFor } from '@sd/test-servers'
import { zookeeperHarness, zookeeperNeeds } from './zookeeper-harness.ts'

if ((await provisionFor('zookeeper')).how !== 'endpoint')
  describeRegistryContract('zookeeper', zookeeperNeeds, zookeeperHarness, {
    knownGaps: {
      'T28 reports a record that another owner replaced, and has removed since, as replaced':
        'ZooKeeper keeps no history, and only the client of a session can create nodes that end with it',
      'T20 passes heartbeats while a write hangs':
        'a session has one connection: the client leaves it with the hanging write, and sends the heartbeat over the next one',
    },
  })
