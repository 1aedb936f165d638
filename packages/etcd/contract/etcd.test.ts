import { describeRegistryContract } from '@sd/contract-tests'
import { etcdHarness, etcdHooks } from './etcd-harness.ts'

describeRegistryContract('etcd', etcdHooks.provides, () => etcdHarness(), {
  missing: etcdHooks.missing,
  concurrency: 2,
})
