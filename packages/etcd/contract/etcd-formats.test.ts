import { describeRegistryContract } from '@sd/contract-tests'
import { describe } from 'vitest'
import { etcdFormats } from '../src/index.ts'
import { etcdHarness, formatHooks } from './etcd-harness.ts'

const { provides, missing } = formatHooks

describe.each(['kratos', 'etcd-naming', 'go-zero'] as const)('format %s', (name) => {
  describeRegistryContract('etcd', provides, () => etcdHarness(name), {
    missing,
    format: etcdFormats[name],
    many: 200,
  })
})
