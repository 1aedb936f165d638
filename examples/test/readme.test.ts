import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const examples = fileURLToPath(new URL('..', import.meta.url))
const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
const snippets = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, code = '']) => code)

/** Runs a snippet as a program of its own, as a reader would who copies it. */
const run = (code: string): Promise<{ error: Error | null; output: string }> =>
  new Promise((resolve) => {
    const { SD_URL: _, ...env } = process.env
    const child = execFile(
      process.execPath,
      ['--conditions=@sd/source', '--input-type=module-typescript'],
      { cwd: examples, env, timeout: 20_000 },
      (error, stdout, stderr) => resolve({ error, output: stdout + stderr }),
    )
    child.stdin?.end(code)
  })

describe('README', () => {
  test('has snippets', () => {
    expect(snippets.length).toBeGreaterThan(4)
  })

  test.concurrent.each(snippets.map((code, index) => [index + 1, code] as const))(
    'snippet %i runs to its end',
    { timeout: 30_000 },
    async (_, code) => {
      const { error, output } = await run(code)
      expect(error, output).toBeNull()
    },
  )
})
