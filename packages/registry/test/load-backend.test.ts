import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadBackend } from '../src/load-backend.ts'

const packages = fileURLToPath(new URL('../../', import.meta.url))
let folder: string

const install = (name: string): void =>
  symlinkSync(join(folder, 'packages', name), join(folder, 'node_modules/@sd', name))

/**
 * A workspace with everything except `@sd/etcd`, as links: types are not stripped in node_modules.
 */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sd-registry-'))
  mkdirSync(join(folder, 'node_modules/@sd'), { recursive: true })
  for (const name of ['core', 'memory', 'registry']) {
    for (const part of ['package.json', 'src'])
      cpSync(join(packages, name, part), join(folder, 'packages', name, part), { recursive: true })
    install(name)
  }
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const run = (url: string): string => {
  const script = `
    import { createRegistry } from '@sd/registry'
    const outcome = await createRegistry(${JSON.stringify(url)}).catch((error) => error)
    console.log(outcome.code ?? outcome.backend, outcome.message ?? '')
    await outcome.close?.()`
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--conditions=@sd/source', '--input-type=module', '--eval', script],
    { cwd: folder, encoding: 'utf8' },
  )
  return stdout.trim() || stderr
}

describe('in a process where @sd/etcd is', () => {
  test('not installed, memory works', () => {
    expect(run('memory:')).toBe('memory')
  })

  test('not installed, the error says what to install', () => {
    expect(run('etcd://h')).toBe(
      'invalid-config [invalid-config] configure: backend "etcd" needs the package @sd/etcd: npm install @sd/etcd',
    )
  })

  test('installed and lacking a dependency, the error says which', () => {
    const etcd = join(folder, 'packages/etcd')
    mkdirSync(etcd)
    writeFileSync(
      join(etcd, 'package.json'),
      JSON.stringify({ name: '@sd/etcd', type: 'module', exports: './index.ts' }),
    )
    writeFileSync(join(etcd, 'index.ts'), `import 'etcd3-is-not-here'\n`)
    install('etcd')
    expect(run('etcd://h')).toContain(
      'backend "etcd": the package @sd/etcd is installed but does not load: ' +
        `Cannot find package 'etcd3-is-not-here'`,
    )
  })
})

describe('an import that fails with', () => {
  const failure = (message: string, code?: string): Error =>
    Object.assign(new Error(message), code === undefined ? {} : { code })

  test.each([
    ['ERR_MODULE_NOT_FOUND', `Cannot find package '@sd/etcd' imported from /app/x.js`, true],
    ['MODULE_NOT_FOUND', `Cannot find module '@sd/etcd'\nRequire stack:`, true],
    ['ERR_MODULE_NOT_FOUND', `Cannot find package '@sd/etcd-extra' imported from /x.js`, false],
    ['ERR_MODULE_NOT_FOUND', `Cannot find module '/app/node_modules/@sd/etcd/dist/x.js'`, false],
    ['ERR_PACKAGE_PATH_NOT_EXPORTED', `No "exports" main defined in /app/@sd/etcd`, false],
    [undefined, `Cannot find package '@sd/etcd'`, false],
  ])('%s %s is a missing package: %s', async (code, message, missing) => {
    const cause = failure(message, code)
    const load = (): Promise<never> => Promise.reject(cause)
    await expect(loadBackend('etcd', { packageName: '@sd/etcd', load })).rejects.toMatchObject({
      code: 'invalid-config',
      backend: 'etcd',
      message: expect.stringContaining(
        missing ? 'npm install @sd/etcd' : 'does not load',
      ) as string,
      cause,
    })
  })
})
