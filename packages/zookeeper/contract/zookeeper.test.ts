import { describeRegistryContract } from '@sd/contract-tests'
import { provisionFor } from '@sd/test-servers'
import { zookeeperHarness, zookeeperNeeds } from './zookeeper-harness.ts'

if ((await provisionFor('zookeeper')).how !== 'endpoint')
  describeRegistryContract('zookeeper', zookeeperNeeds, zookeeperHarness, {
    knownGaps: {
      'T20 passes heartbeats while a write hangs':
        'a session has one connection: the client leaves it with the hanging write, and sends the heartbeat over the next one',
    },
  })
