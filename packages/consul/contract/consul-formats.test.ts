import { describeRegistryContract } from '@sd/contract-tests'
import { formatHooks, formatsUnderTest } from '@sd/test-servers'
import { describe } from 'vitest'
import { consulFormats } from '../src/index.ts'
import { consulHarness, consulHooks } from './consul-harness.ts'

const { provides, missing } = formatHooks(consulHooks, {
  server: 'tools/peers restarts and wipes the server in both formats',
})

describe.each(formatsUnderTest(['kratos', 'spring-consul']))('format %s', (name) => {
  describeRegistryContract('consul', provides, () => consulHarness(name), {
    missing,
    format: consulFormats[name],
    ttlMs: 3_000,
    graceMs: 1_500,
    many: 50,
    manyMs: 5_000,
    knownGaps: {
      'T28 reports a record that another owner replaced, and has removed since, as replaced':
        'Consul keeps no history of its catalog',
    },
  })
})
