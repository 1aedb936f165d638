import { describeRegistryContract } from '@sd/contract-tests'
import { provisionFor } from '@sd/test-servers'
import { etcdHarness, etcdNeeds } from './etcd-harness.ts'

if ((await provisionFor('etcd')).how !== 'endpoint')
  describeRegistryContract('etcd', etcdNeeds, etcdHarness)
