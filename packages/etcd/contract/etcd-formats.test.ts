import { describeRegistryContract } from '@sd/contract-tests'
import { formatHooks } from '@sd/test-servers'
import { describe } from 'vitest'
import { etcdFormats } from '../src/index.ts'
import { etcdHarness, etcdHooks } from './etcd-harness.ts'

const { provides, missing } = formatHooks(etcdHooks)

describe.each(['kratos', 'etcd-naming', 'go-zero'] as const)('format %s', (name) => {
  describeRegistryContract('etcd', provides, () => etcdHarness(name), {
    missing,
    format: etcdFormats[name],
    many: 200,
  })
})
