import { describeRegistryContract } from '@sd/contract-tests'
import { formatHooks, formatsUnderTest } from '@sd/test-servers'
import { describe } from 'vitest'
import { zookeeperFormats } from '../src/index.ts'
import { gapsInAnyFormat, zookeeperHarness, zookeeperHooks } from './zookeeper-harness.ts'

const { provides, missing } = formatHooks(zookeeperHooks, {
  server: 'tools/peers restarts and wipes the server in all formats',
})

describe.each(formatsUnderTest(['kratos', 'curator', 'spring-zookeeper', 'dubbo']))(
  'format %s',
  (name) => {
    describeRegistryContract('zookeeper', provides, () => zookeeperHarness(name), {
      missing,
      format: zookeeperFormats[name],
      many: 200,
      concurrency: 2,
      knownGaps: gapsInAnyFormat,
    })
  },
)
