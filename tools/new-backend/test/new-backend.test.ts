import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTemporaryWorkspace, type TemporaryWorkspace } from './temporary-workspace.ts'

// a short and a long one, so that lines break at different places
const names = ['kv', 'replicated-configuration-store'] as const

let workspace: TemporaryWorkspace

interface Ended {
  readonly status: number | null
  readonly output: string
}

const node = (...args: readonly string[]): Ended => {
  const { NODE_OPTIONS: _, ...env } = process.env
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: workspace.root,
    env: { ...env, NO_COLOR: '1' },
    encoding: 'utf8',
  })
  return { status, output: stdout + stderr }
}

/** Runs one of the repository's tools. */
const tool = (packageName: string, bin: string, ...args: readonly string[]): Ended =>
  node(join(workspace.root, 'node_modules', packageName, bin), ...args)

const newBackend = (...args: readonly string[]): Ended =>
  node('tools/new-backend/src/main.ts', ...args)

const read = (path: string): string => readFileSync(join(workspace.root, path), 'utf8')

const filesUnder = (folder: string): readonly string[] =>
  readdirSync(join(workspace.root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => statSync(join(workspace.root, folder, file)).isFile())
    .toSorted()

const outputs = new Map<string, string>()

beforeAll(() => {
  workspace = createTemporaryWorkspace()
  for (const name of names) {
    const { status, output } = newBackend(name)
    if (status !== 0) throw new Error(output)
    outputs.set(name, output)
  }
}, 60_000)
afterAll(() => workspace?.[Symbol.dispose]())

describe.each(names)('npm run new-backend -- %s', (name) => {
  test('creates the files that every backend has', () => {
    expect(filesUnder(`packages/${name}`)).toEqual(
      [
        'LICENSE',
        'README.md',
        `contract/${name}-harness.ts`,
        `contract/${name}-server.ts`,
        `contract/${name}.test.ts`,
        'package.json',
        'src/config.ts',
        'src/errors.ts',
        'src/index.ts',
        'src/keys.ts',
        `src/${name}-driver.ts`,
        `src/${name}-observe.ts`,
        `src/${name}-session.ts`,
        'test/config.test.ts',
        'tsconfig.json',
      ].toSorted(),
    )
    for (const file of filesUnder(`packages/${name}`))
      expect(read(`packages/${name}/${file}`)).not.toMatch(/__[a-z]+__/)
  })

  test('says what to do next', () => {
    const output = outputs.get(name)
    expect(output).toContain(`packages/${name}/src/${name}-driver.ts`)
    expect(output).toContain('npm install')
    expect(output).toContain(`SD_TEST_BACKENDS= npx vitest run --project contract packages/${name}`)
    expect(output).toContain(`packages/${name}/contract/${name}-server.ts`)
    expect(output).toContain('docs/writing-a-backend.md')
  })

  test('adds it to the backends of the boundaries table, with their rules', () => {
    expect(read('tools/boundaries/src/package-boundaries.ts')).toContain(`'${name}'`)
    const file = join(workspace.root, `packages/${name}/src/arrow.ts`)
    writeFileSync(file, `export { etcd } from '@sd/etcd'\n`)
    const { status, output } = tool('oxlint', 'bin/oxlint', `packages/${name}/src/arrow.ts`)
    rmSync(file)
    expect(status).not.toBe(0)
    expect(output).toContain(`@sd/${name} may import only @sd/core`)
  })

  test('is formatted', () => {
    const checked = ['--check', `packages/${name}`, 'tools/boundaries']
    const { status, output } = tool('oxfmt', 'bin/oxfmt', ...checked)
    expect(status, output).toBe(0)
  })

  test('builds', { timeout: 60_000 }, () => {
    const { status, output } = tool('typescript', 'bin/tsc', '-b', `packages/${name}`)
    expect(status, output).toBe(0)
    expect(existsSync(join(workspace.root, `packages/${name}/dist/index.d.ts`))).toBe(true)
  })

  test('type-checks with its contract test, and lints', { timeout: 60_000 }, () => {
    const config = { extends: './tsconfig.json', include: [`packages/${name}`] }
    writeFileSync(join(workspace.root, `tsconfig.${name}.json`), JSON.stringify(config))
    const types = tool('typescript', 'bin/tsc', '-p', `tsconfig.${name}.json`)
    expect(types.status, types.output).toBe(0)
    const lint = tool('oxlint', 'bin/oxlint', `packages/${name}`)
    expect(lint.status, lint.output).toBe(0)
  })

  test(
    'has no file, export or dependency that is unused or undeclared',
    { timeout: 60_000 },
    () => {
      const { status, output } = tool('knip', 'bin/knip.js', '--workspace', `packages/${name}`)
      expect(status, output).toBe(0)
    },
  )

  test('has the licence of the others, and declares it', () => {
    expect(read(`packages/${name}/LICENSE`)).toBe(read('packages/core/LICENSE'))
    expect(JSON.parse(read(`packages/${name}/package.json`))).toMatchObject({ license: 'MIT' })
  })

  test('passes its own unit tests', { timeout: 60_000 }, () => {
    const run = ['run', '--project', 'unit', `packages/${name}`]
    const { status, output } = tool('vitest', 'vitest.mjs', ...run)
    expect(status, output).toBe(0)
    expect(output).toMatch(/\b6 passed/)
  })
})

test('its contract test runs, and reports what is not written yet', { timeout: 120_000 }, () => {
  const [name] = names
  const run = ['run', '--project', 'contract', `packages/${name}`]
  const { status, output } = tool(
    'vitest',
    'vitest.mjs',
    ...run,
    '--reporter=json',
    '--outputFile=results.json',
  )
  expect(status, output).toBe(1)
  const { testResults } = JSON.parse(read('results.json')) as {
    readonly testResults: readonly {
      readonly assertionResults: readonly {
        readonly title: string
        readonly status: string
        readonly failureMessages: readonly string[]
      }[]
    }[]
  }
  const results = testResults.flatMap(({ assertionResults }) => assertionResults)
  const titles = (wanted: string): readonly string[] =>
    results.filter((result) => result.status === wanted).map(({ title }) => title)
  expect(titles('passed')).toContain(
    'S3 refuses an invalid configuration before any I/O, naming the field',
  )
  const failed = results.filter(({ status: result }) => result === 'failed')
  expect(failed.length).toBeGreaterThan(20)
  const unclear = failed.filter(
    ({ failureMessages: [message = ''] }) => !message.includes(`${name}: `),
  )
  expect(unclear.map(({ title, failureMessages }) => [title, failureMessages])).toEqual([])
})

test.each([
  [['--help'], 0, 'usage: npm run new-backend -- NAME'],
  [[], 1, 'expected one NAME'],
  [['a', 'b'], 1, 'expected one NAME'],
  [['No'], 1, '"No" is not a valid name of a backend'],
  [['core'], 1, 'packages/core'],
  [['kv'], 1, 'packages/kv exists; choose another name'],
  [['gateway'], 1, 'packages/gateway is a package of another kind'],
] as const)('with %j it ends with %i and says: %s', (args, status, message) => {
  const before = filesUnder('packages').length
  const ended = newBackend(...args)
  expect(ended.status).toBe(status)
  expect(ended.output).toContain(message)
  expect(ended.output).not.toMatch(/^\s+at /m)
  expect(filesUnder('packages').length).toBe(before)
})
