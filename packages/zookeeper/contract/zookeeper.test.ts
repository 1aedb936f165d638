import { describeRegistryContract } from '@sd/contract-tests'
import { zookeeperHarness, zookeeperNeeds } from './zookeeper-harness.ts'

describeRegistryContract('zookeeper', zookeeperNeeds, zookeeperHarness, {
  ttlMs: 2_000,
  // what the server adds to a ttl before an owner's instances leave: measure it
  graceMs: 1_000,
})
