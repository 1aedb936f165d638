import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { privateState } from './private-state.ts'

const examples = fileURLToPath(new URL('..', import.meta.url))
const root = new URL('../../', import.meta.url)
const env = privateState()
const backends = await readdir(new URL('docs/backends/', root))
const documents = [
  'README.md',
  'docs/balancing.md',
  'docs/cli.md',
  'docs/gateway.md',
  'docs/formats.md',
  'docs/migrating.md',
  'docs/writing-a-format.md',
  'packages/balancer/README.md',
  'packages/lifecycle/README.md',
  'packages/gateway/README.md',
  'packages/fastify/README.md',
  'packages/opentelemetry/README.md',
  'docs/calling-grpc.md',
  'packages/grpc/README.md',
  ...backends.map((file) => `docs/backends/${file}`),
]

const snippetsOf = async (document: string): Promise<readonly string[]> => {
  const text = await readFile(new URL(document, root), 'utf8')
  return [...text.matchAll(/```ts\n(.*?)```/gs)].map(([, code = '']) => code)
}

const snippets = (
  await Promise.all(
    documents.map(async (document) =>
      (await snippetsOf(document)).map((code, index) => [document, index + 1, code] as const),
    ),
  )
).flat()

/** Runs a snippet as a separate program, like a reader who copies it. */
const run = (code: string): Promise<{ error: Error | null; output: string }> =>
  new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ['--conditions=@sd/source', '--input-type=module-typescript'],
      { cwd: examples, env, timeout: 60_000 },
      (error, stdout, stderr) => resolve({ error, output: stdout + stderr }),
    )
    child.stdin?.end(code)
  })

test('the documents have snippets', () => {
  expect(snippets.length).toBeGreaterThan(8)
})

describe.concurrent('a snippet', () => {
  test.each(snippets)(
    'of %s, number %i, runs to its end',
    { timeout: 70_000 },
    async (...given) => {
      const { error, output } = await run(given[2])
      expect(error, output).toBeNull()
    },
  )
})
