import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { privateState } from './private-state.ts'

const program = fileURLToPath(new URL('../shop/main.ts', import.meta.url))
const env = privateState()

const run = (
  args: readonly string[],
  url?: string,
): Promise<{ code: unknown; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--conditions=@sd/source', program, ...args],
      { env: url === undefined ? env : { ...env, SD_URL: url }, timeout: 20_000 },
      (error, stdout, stderr) => resolve({ code: error?.code ?? 0, stdout, stderr }),
    )
  })

test('the shop describes itself', async () => {
  const { code, stdout } = await run(['--help'])
  expect(code).toBe(0)
  expect(stdout).toContain('Usage: npm run shop')
})

test.each([
  [['--again'], 'unknown or incomplete arguments: --again'],
  [['--port'], 'unknown or incomplete arguments: --port'],
  [['--port', '0'], 'unknown or incomplete arguments: --port 0'],
])('the shop refuses %j before it starts anything', async (args, message) => {
  expect(await run(args)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(message) as string,
  })
})

test('the shop needs a registry that its processes share', async () => {
  expect(await run([], 'memory:')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('memory: is within one process') as string,
  })
})
