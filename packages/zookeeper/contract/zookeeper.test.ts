import { describeRegistryContract } from '@sd/contract-tests'
import { provisionFor } from '@sd/test-servers'
import { zookeeperHarness, zookeeperNeeds } from './zookeeper-harness.ts'

if ((await provisionFor('zookeeper')).how !== 'endpoint')
  describeRegistryContract('zookeeper', zookeeperNeeds, zookeeperHarness)
