import { access, constants } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Consumer,
  installConsumer,
  packedPackages,
  repositoryRoot,
  optionalBackends,
  withBackends,
} from '../src/install-consumer.ts'
import {
  missingFiles,
  type PublishedPackage,
  readPublishedPackage,
  tooNewFiles,
  undeclaredImports,
} from '../src/published-package.ts'
import { type ProgramResult, runProgram } from '../src/run-program.ts'

let consumer: Consumer

beforeAll(async () => {
  consumer = await installConsumer()
}, 400_000)
afterAll(() => consumer?.[Symbol.asyncDispose]())

const node = (args: readonly string[], timeoutMs = 60_000): Promise<ProgramResult> =>
  runProgram(consumer.folder, [consumer.node, ...args], timeoutMs)

const vitest = (file: string): Promise<ProgramResult> =>
  node(['node_modules/vitest/vitest.mjs', 'run', file])

describe('the packed packages, installed outside of the workspace', () => {
  test("a third party's backend type-checks, our declarations included", async () => {
    // the compiler is a binary that wants no certain Node
    const tsc = join(consumer.folder, 'node_modules/typescript/bin/tsc')
    const compile = [process.execPath, tsc, '-p', 'tsconfig.consumer.json'] as const
    expect(await runProgram(consumer.folder, compile, 60_000)).toEqual({ exitCode: 0, output: '' })
  })

  test("a third party's backend passes the suite on the oldest Node", async () => {
    const { exitCode, output } = await vitest('their-backend.test.ts')
    expect(exitCode, output).toBe(0)
    expect(Number(/Tests\s+(\d+) passed/.exec(output)?.[1]), output).toBeGreaterThan(30)
  })

  test('a third party launches real servers, cuts them off, and needs no container package', async () => {
    const { exitCode, output } = await vitest('their-server.test.ts')
    expect(exitCode, output).toBe(0)
    expect(output).toMatch(/Tests\s+4 passed/)
  })

  test('a plain JavaScript program registers, watches, closes and ends by itself', async () => {
    expect(await node(['start.js'], 10_000)).toEqual({
      exitCode: 0,
      output: 'added orders-1\nremoved orders-1\nclosed 0\nclosed\n',
    })
  })

  test('the embedded backend finds its threads, and prints nothing, on the oldest Node', async () => {
    const program = `
      import { createRegistry } from '@sd/registry'
      const print = (details, message) => console.log(message)
      const registry = await createRegistry({
        backend: 'sqlite',
        path: 'state/registry.db',
        heartbeat: 'worker',
        logger: { debug() {}, info() {}, warn: print, error: print },
      })
      await registry.register({ service: 'orders', id: '1', endpoints: ['http://10.0.0.7:80'] })
      console.log((await registry.list('orders')).length)
      await registry.close()`
    expect(await node(['--input-type=module', '--eval', program], 10_000)).toEqual({
      exitCode: 0,
      output: '1\n',
    })
  })

  test('the command sd is linked, and lists by the embedded and every other backend', async () => {
    const sd = join(consumer.folder, 'node_modules/.bin/sd')
    await access(sd, constants.X_OK)
    const list = (url: string): Promise<ProgramResult> => node([sd, 'list', '--url', url], 20_000)
    const state = join(consumer.folder, 'state/sd.db')
    expect(await list(`sqlite://${state}`)).toEqual({
      exitCode: 0,
      output: 'sd: no service is registered\n',
    })
    for (const backend of ['etcd', 'zookeeper', 'consul']) {
      const { exitCode, output } = await list(`${backend}://127.0.0.1:1`)
      expect(exitCode, output).toBe(4)
      expect(output).toContain(`the registry is ${backend}://127.0.0.1:1`)
    }
  })

  test('forkOwner starts, tells the failure of, and kills another process', async () => {
    expect(await node(['fork-owner.js', join(consumer.folder, 'told')], 20_000)).toEqual({
      exitCode: 0,
      output: 'another process orders orders-1\nESRCH\nhas no export noSuchExport\n',
    })
  })

  test('a backend whose package is not installed is named, and needed by no other', async () => {
    const program = `
      import { createRegistry } from '@sd/registry'
      await (await createRegistry('memory:')).close()
      await createRegistry('etcd://127.0.0.1:1').then(
        (registry) => registry.close(),
        (error) => console.log(error.message),
      )`
    const run = (): Promise<ProgramResult> =>
      node(['--input-type=module', '--eval', program], 10_000)
    expect(await run()).toEqual({ exitCode: 0, output: '' })
    await withBackends(consumer, [], async () => {
      const { exitCode, output } = await run()
      expect(exitCode, output).toBe(0)
      expect(output).toContain('needs the package @sd/etcd: npm install @sd/etcd')
    })
  })
})

describe.each(['none', ...optionalBackends])(
  'a strict TypeScript project with this of the optional backends: %s',
  (name) => {
    const installed = optionalBackends.filter((backend) => backend === name)

    test.each(['nodenext', 'bundler'])('compiles under %s, our declarations included', (module) =>
      withBackends(consumer, installed, async () => {
        const tsc = join(consumer.folder, 'node_modules/typescript/bin/tsc')
        const compile = [process.execPath, tsc, '-p', `typed/tsconfig.${module}.json`] as const
        const result = await runProgram(consumer.folder, compile, 60_000)
        expect(result).toEqual({ exitCode: 0, output: '' })
      }),
    )

    test.each(['program.js', 'program.cjs'])('runs %s on the oldest Node', (program) =>
      withBackends(consumer, installed, async () => {
        const { exitCode, output } = await node([`typed/out/${program}`], 10_000)
        expect({ exitCode, output }).toEqual({ exitCode: 0, output: 'http://h:1\n' })
      }),
    )
  },
)

describe.each(packedPackages)('the tarball of @sd/%s', (folder) => {
  let published: PublishedPackage
  beforeAll(async () => {
    published = await readPublishedPackage(consumer.folder, `@sd/${folder}`)
  })

  test('holds code, types and sources, and nothing else', () => {
    const files = [...published.files.keys()]
    const expected =
      /^(?:package\.json|README\.md|LICENSE|bin\/\w+\.js|src\/[\w/-]+\.ts|dist\/[\w/-]+(?:\.js|\.d\.ts)(?:\.map)?)$/
    const { bin = { index: 'dist/index.js' } } = published.manifest
    expect(files).toEqual(expect.arrayContaining(Object.values(bin)))
    expect(files.filter((file) => !expected.test(file) || /test\.|\/test\//.test(file))).toEqual([])
  })

  test('holds no secret and no path of the machine that packed it', () => {
    const telltale = /-----BEGIN [A-Z ]*PRIVATE KEY|_authToken|npm_[A-Za-z0-9]{36}/
    const told = [...published.files]
      .filter(([, text]) => telltale.test(text) || text.includes(repositoryRoot))
      .map(([file]) => file)
    expect(told).toEqual([])
  })

  test('exports only what it holds, and declares what it imports', () => {
    expect(missingFiles(published)).toEqual([])
    expect(undeclaredImports(published)).toEqual([])
  })

  test('can be imported by every name that it exports, from its built code', async () => {
    const specifiers = Object.keys(published.manifest.exports)
      .filter((subpath) => !subpath.endsWith('.json'))
      .map((subpath) => join(published.name, subpath))
    const program = `
      for (const specifier of ${JSON.stringify(specifiers)}) {
        if (!import.meta.resolve(specifier).includes('${published.name}/dist/')) process.exit(1)
        // the suite describes tests, which only Vitest can run
        if (specifier !== '@sd/contract-tests') await import(specifier)
      }`
    expect(await node(['--input-type=module', '--eval', program], 10_000)).toEqual({
      exitCode: 0,
      output: '',
    })
  })

  test('needs nothing that the oldest Node lacks', () => {
    expect(tooNewFiles(published)).toEqual([])
  })
})
