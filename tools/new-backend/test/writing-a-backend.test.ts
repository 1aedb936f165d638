import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { ContractHarness, ContractOptions } from '@sd/contract-tests'
import type { Capabilities, DriverSession, RegistryDriver } from '@sd/core/driver'

const root = new URL('../../../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')

const page = read('docs/writing-a-backend.md')

const marks = page.match(/<!-- excerpt:/g) ?? []
const excerpts = [...page.matchAll(/<!-- excerpt: (\S+) -->\n\n```\w+\n(.*?)```\n/gs)].map(
  ([, path = '', code = '']) => [path, code] as const,
)

/** Every member of an interface: the compiler reports a missing one. */
const everything: {
  readonly [
    Name in
      | keyof Omit<RegistryDriver, symbol | 'backend' | 'capabilities' | typeof Symbol.asyncDispose>
      | keyof Omit<DriverSession, 'id'>
      | keyof Capabilities
      | keyof Omit<ContractHarness, typeof Symbol.asyncDispose>
      | keyof ContractOptions
  ]-?: true
} = {
  openSession: true,
  list: true,
  observe: true,
  probe: true,
  servers: true,
  lastSeen: true,
  carriers: true,
  edit: true,
  diagnose: true,
  grantedTtlMs: true,
  lost: true,
  onPartLost: true,
  renew: true,
  renewedMs: true,
  put: true,
  remove: true,
  audit: true,
  removeStrays: true,
  close: true,
  atomicClaim: true,
  resume: true,
  deltas: true,
  tls: true,
  minTtlMs: true,
  maxTtlMs: true,
  maxBatch: true,
  maxRecordBytes: true,
  format: true,
  connect: true,
  connectDirect: true,
  connectSteady: true,
  server: true,
  partition: true,
  slow: true,
  narrow: true,
  cutAt: true,
  silence: true,
  hangWrites: true,
  delayWrites: true,
  connectionCount: true,
  backUp: true,
  expireSession: true,
  loseHistory: true,
  deleteRecord: true,
  writeRaw: true,
  startOwner: true,
  startWorkerOwner: true,
  secure: true,
  askForTls: true,
  invalidConfigs: true,
  ttlMs: true,
  graceMs: true,
  many: true,
  concurrency: true,
  only: true,
  knownGaps: true,
  manyMs: true,
  missing: true,
}

describe('docs/writing-a-backend.md', () => {
  test('marks excerpts in the form that this test checks', () => {
    expect(excerpts.length).toBeGreaterThan(8)
    expect(excerpts.length).toBe(marks.length)
  })

  // the formatter removes the indentation of excerpts that it can parse
  test.each(excerpts)('has an excerpt of %s that equals the source: %j', (path, code) => {
    const source = read(path)
    const places = [0, 2, 4, 6, 8].map((width) => code.replace(/^(?=.)/gm, ' '.repeat(width)))
    expect(
      places.some((place) => source.includes(place)),
      code,
    ).toBe(true)
  })

  test.each(Object.keys(everything))('explains `%s`', (name) => {
    expect(page).toMatch(new RegExp(`\`(?:\\w+\\.)?${name}\\b|^### .*\\b${name}\\b`, 'm'))
  })

  test('names files that exist', () => {
    const paths = page.match(/\b(?:packages|tools)\/[\w./-]*\w/g) ?? []
    const own = paths.filter((path) => !path.startsWith('packages/my-store'))
    expect(own.filter((path) => !existsSync(new URL(path, root)))).toEqual([])
  })
})
