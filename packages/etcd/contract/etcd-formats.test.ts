import { describeRegistryContract } from '@sd/contract-tests'
import { formatHooks, formatsUnderTest } from '@sd/test-servers'
import { describe } from 'vitest'
import { etcdFormats } from '../src/index.ts'
import { etcdHarness, etcdHooks } from './etcd-harness.ts'

const { provides, missing } = formatHooks(etcdHooks)

describe.each(formatsUnderTest(['kratos', 'etcd-naming', 'go-zero']))('format %s', (name) => {
  describeRegistryContract('etcd', provides, () => etcdHarness(name), {
    missing,
    format: etcdFormats[name],
    many: 200,
    concurrency: 2,
  })
})
