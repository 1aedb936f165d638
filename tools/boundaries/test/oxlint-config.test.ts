import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { oxlintConfig } from '../src/oxlint-config.ts'

const imports = 'eslint(no-restricted-imports)'
const globals = 'eslint(no-restricted-globals)'
const properties = 'eslint(no-restricted-properties)'
const defaultExport = 'import(no-default-export)'

/** One violation each: its file, its code, and the rule that must report it. */
const violations: readonly (readonly [file: string, source: string, rule: string])[] = [
  // arrows
  ['packages/core/src/a.ts', `export { x } from '@sd/memory'`, imports],
  ['packages/core/src/b.ts', `export type { X } from '@sd/core/driver'`, imports],
  ['packages/memory/src/a.ts', `export { x } from '@sd/etcd'`, imports],
  ['packages/sqlite/src/a.ts', `export { x } from '@sd/memory/faults'`, imports],
  ['packages/etcd/src/a.ts', `export { x } from '@sd/registry'`, imports],
  ['packages/etcd/src/deep/a.ts', `export { x } from '@sd/registry'`, imports],
  ['packages/etcd/src/b.ts', `export { x } from '@sd/test-servers'`, imports],
  ['packages/etcd/src/c.ts', `export type { X } from '@sd/corelike'`, imports],
  ['packages/consul/src/a.ts', `export { x as y } from '@sd/zookeeper'`, imports],
  ['packages/zookeeper/src/a.ts', `export * from '@sd/consul'`, imports],
  ['packages/contract-tests/src/a.ts', `export { x } from '@sd/memory'`, imports],
  ['packages/etcd/src/g.ts', `export { x } from '@sd/contract-tests/servers'`, imports],
  ['packages/registry/src/a.ts', `export { x } from '@sd/contract-tests'`, imports],
  ['packages/balancer/src/a.ts', `export type { X } from '@sd/core/driver'`, imports],
  ['packages/grpc/src/a.ts', `export { x } from '@sd/undici'`, imports],
  ['packages/undici/src/a.ts', `export { x } from '@sd/gateway'`, imports],
  ['packages/lifecycle/src/a.ts', `export { x } from '@sd/registry'`, imports],
  ['packages/fastify/src/a.ts', `export { x } from '@sd/nestjs'`, imports],
  ['packages/nestjs/src/a.ts', `export { x } from '@sd/balancer'`, imports],
  ['packages/gateway/src/a.ts', `export { x } from '@sd/grpc'`, imports],
  // deep and relative imports
  ['packages/etcd/src/d.ts', `export { x } from '@sd/core/src/registry.ts'`, imports],
  ['packages/etcd/src/e.ts', `export { x } from '@sd/core/driver/channel.ts'`, imports],
  ['packages/etcd/src/f.ts', `export { x } from '../../core/src/index.ts'`, imports],
  ['packages/etcd/src/deep/b.ts', `export { x } from '../../../core/src/index.ts'`, imports],
  ['packages/etcd/test/a.test.ts', `export { x } from '../../core/src/index.ts'`, imports],
  ['packages/etcd/test/b.test.ts', `export { x } from '@sd/core/src/index.ts'`, imports],
  ['packages/cli/src/a.ts', `export { x } from '@sd/memory/src/index.ts'`, imports],
  ['tools/scene/src/a.ts', `export { x } from '../../../packages/core/src/index.ts'`, imports],
  ['tools/scene/src/b.ts', `export { x } from '@sd/memory/dist/index.js'`, imports],
  // layers
  ['packages/core/src/runtime/up-a.ts', `export { x } from '../model/claim.ts'`, imports],
  ['packages/core/src/runtime/up-b.ts', `export type { X } from '../registry.ts'`, imports],
  ['packages/core/src/model/up-a.ts', `export { x } from '../driver/json-format.ts'`, imports],
  ['packages/core/src/driver/up-a.ts', `export { x } from '../watch/watch-hub.ts'`, imports],
  ['packages/core/src/driver/deep/up-b.ts', `export { x } from '../../watch/reader.ts'`, imports],
  ['packages/core/src/driver/deep/up-c.ts', `export { x } from '../../registry.ts'`, imports],
  ['packages/core/src/watch/up-a.ts', `export { x } from '../registration/a.ts'`, imports],
  ['packages/core/src/watch/up-b.ts', `export { x } from '../watcher.ts'`, imports],
  ['packages/core/src/registration/up-a.ts', `export { x } from '../watch/reader.ts'`, imports],
  ['packages/core/src/runtime/arrow.ts', `export { x } from '@sd/memory'`, imports],
  ['packages/core/src/runtime/timers.ts', `export { setTimeout } from 'node:timers'`, imports],
  ['packages/etcd/src/client/up-a.ts', `export { x } from '../etcd-driver.ts'`, imports],
  ['packages/consul/src/client/up-a.ts', `export { x } from '../catalog/catalog.ts'`, imports],
  ['packages/zookeeper/src/client/guards/up-a.ts', `export { x } from '../../keys-of.ts'`, imports],
  // time
  ['packages/memory/src/time-a.ts', 'setTimeout(() => {}, 1)', globals],
  ['packages/sqlite/src/time-a.ts', 'setInterval(() => {}, 1)', globals],
  ['packages/etcd/src/time-a.ts', 'setImmediate(() => {})', globals],
  ['packages/etcd/src/time-b.ts', 'globalThis.setTimeout(() => {}, 1)', properties],
  ['packages/zookeeper/src/time-a.ts', 'export const s = AbortSignal.timeout(1)', properties],
  ['packages/consul/src/time-a.ts', 'export const now = Date.now()', properties],
  ['packages/consul/src/time-b.ts', 'export const now = performance.now()', properties],
  ['packages/memory/src/time-b.ts', `export { setTimeout } from 'timers'`, imports],
  ['packages/sqlite/src/time-b.ts', `export { setTimeout } from 'timers/promises'`, imports],
  ['packages/etcd/src/time-c.ts', `export { setTimeout } from 'node:timers'`, imports],
  ['packages/etcd/src/time-d.ts', `export { setTimeout } from 'node:timers/promises'`, imports],
  ['packages/etcd/src/time-e.ts', `export { EventEmitter } from 'node:events'`, imports],
  ['packages/consul/src/time-c.ts', `export { EventEmitter } from 'events'`, imports],
  ['packages/core/src/time-a.ts', 'setTimeout(() => {}, 1)', globals],
  ['packages/core/src/runtime/time-a.ts', 'export const now = Date.now()', properties],
  ['packages/core/src/time-b.ts', `export { setTimeout } from 'node:timers'`, imports],
  // default exports
  ['packages/core/src/c.ts', 'export default 1', defaultExport],
  ['tools/scene/src/c.ts', 'export default 1', defaultExport],
]

const clean: readonly (readonly [file: string, source: string])[] = [
  [
    'packages/core/src/watch/down.ts',
    `export { x } from '../driver/a.ts'\nexport { y } from '../runtime/a.ts'\nexport { z } from '../registry-error.ts'\nexport { w } from './reader.ts'`,
  ],
  [
    'packages/core/src/driver/deep/down.ts',
    `export { x } from '../driver-context.ts'\nexport { y } from '../../model/claim.ts'\nexport { z } from '../../registry-error.ts'`,
  ],
  [
    'packages/etcd/src/client/down.ts',
    `export { x } from '../errors.ts'\nexport { y } from '../keys.ts'`,
  ],
  [
    'packages/core/src/clean.ts',
    `export { EventEmitter } from 'node:events'\nexport { y } from './clean/deep.ts'`,
  ],
  ['packages/core/src/runtime/clock.ts', 'export const now = Date.now()\nsetTimeout(() => {}, 1)'],
  [
    'packages/etcd/src/clean.ts',
    `export { x } from '@sd/core'\nexport type { X } from '@sd/core/driver'\nexport { y } from '../src-like.ts'`,
  ],
  [
    'packages/registry/src/clean.ts',
    `export { x } from '@sd/core'\nexport type { X } from '@sd/etcd'\nsetTimeout(() => {}, 1)`,
  ],
  [
    'packages/gateway/src/clean.ts',
    `export { x } from '@sd/balancer'\nexport { y } from '@sd/undici'`,
  ],
  ['packages/cli/src/clean.ts', `export { x } from '@sd/consul'\nexport { y } from '@sd/registry'`],
  [
    'packages/etcd/test/clean.test.ts',
    `export { x } from '../src/index.ts'\nexport { y } from '@sd/memory/faults'\nsetTimeout(() => {}, 1)`,
  ],
  ['packages/etcd/contract/clean.test.ts', `export { x } from '@sd/test-servers'`],
  ['packages/etcd/contract/servers.test.ts', `export { x } from '@sd/contract-tests/servers'`],
  ['tools/scene/src/clean.ts', `export { x } from '@sd/core/driver'`],
  ['vitest.config.ts', 'export default 1'],
  ['tools/closing-line-reporter.ts', 'export default 1'],
]

let folder: string
let found: ReadonlyMap<string, readonly string[]>

interface Report {
  readonly diagnostics: readonly { readonly filename: string; readonly code: string }[]
}

const lint = (): ReadonlyMap<string, readonly string[]> => {
  const oxlint = fileURLToPath(new URL('bin/oxlint', import.meta.resolve('oxlint/package.json')))
  const { stdout, stderr } = spawnSync(process.execPath, [oxlint, '-f', 'json'], {
    cwd: folder,
    encoding: 'utf8',
  })
  if (!stdout.startsWith('{')) throw new Error(`oxlint did not report: ${stdout}${stderr}`)
  const byFile = new Map<string, string[]>()
  for (const { filename, code } of (JSON.parse(stdout) as Report).diagnostics)
    byFile.set(filename, [...(byFile.get(filename) ?? []), code])
  return byFile
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sd-boundaries-'))
  const options = { typeAware: false }
  writeFileSync(join(folder, '.oxlintrc.json'), JSON.stringify({ ...oxlintConfig, options }))
  for (const [file, source] of [...violations, ...clean]) {
    mkdirSync(join(folder, dirname(file)), { recursive: true })
    writeFileSync(join(folder, file), `${source}\n`)
  }
  found = lint()
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the generated rules', () => {
  test.each(violations)('refuse, in %s: %s', (file, _source, rule) => {
    expect(found.get(file)).toEqual([rule])
  })

  test.each(clean)('pass %s', (file) => {
    expect(found.get(file)).toBeUndefined()
  })

  test('are tested with each violation in a separate file', () => {
    const files = [...violations, ...clean].map(([file]) => file)
    expect(new Set(files).size).toBe(files.length)
  })
})

test('oxlint.config.ts is that configuration', async () => {
  const { default: config } = await import('../../../oxlint.config.ts')
  expect(config).toBe(oxlintConfig)
})
