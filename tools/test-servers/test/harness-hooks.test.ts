import { expect, test, vi } from 'vitest'
import { formatHooks, formatsUnderTest, harnessHooks } from '../src/harness-hooks.ts'

const hooks = ['connectDirect', 'server', 'partition', 'loseHistory', 'backUp', 'secure'] as const

test('a launched server provides every hook of its harness', () => {
  const launched = {
    how: 'process',
    command: ['etcd'],
    version: '3.5.16',
    from: 'machine',
  } as const
  expect(harnessHooks(launched, hooks)).toEqual({ provides: hooks, missing: {} })
})

test('an endpoint provides link faults only, and a reason for each of the others', () => {
  const { provides, missing } = harnessHooks({ how: 'endpoint', endpoint: 'there:1' }, hooks)
  expect(provides).toEqual(['connectDirect', 'partition'])
  expect(Object.keys(missing).toSorted()).toEqual(['backUp', 'loseHistory', 'secure', 'server'])
  expect(missing.server).toBe('the tests do not control the server at there:1')
})

test('a run with a format leaves out connections and what it names, each with a reason', () => {
  const at = harnessHooks({ how: 'endpoint', endpoint: 'there:1' }, hooks)
  const { provides, missing } = formatHooks(
    { ...at, provides: hooks },
    { server: 'tested elsewhere' },
  )
  expect(provides).toEqual(['connectDirect', 'loseHistory', 'backUp'])
  expect(missing.partition).toBe('a format changes nothing there')
  expect(missing.server).toBe('tested elsewhere')
  expect(missing.backUp).toBe(at.missing.backUp)
})

test('one format runs, unless the others or all are asked for', () => {
  vi.stubEnv('SD_TEST_FORMATS', undefined)
  expect(formatsUnderTest(['kratos', 'go-zero'])).toEqual(['kratos'])
  vi.stubEnv('SD_TEST_FORMATS', 'further')
  expect(formatsUnderTest(['kratos', 'go-zero'])).toEqual(['go-zero'])
  vi.stubEnv('SD_TEST_FORMATS', 'all')
  expect(formatsUnderTest(['kratos', 'go-zero'])).toEqual(['kratos', 'go-zero'])
  vi.unstubAllEnvs()
})
