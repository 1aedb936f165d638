import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { consul, etcd, provideServers, zookeeper } from '@sd/test-servers'
import { afterAll, describe, expect, test } from 'vitest'

// where the default registry lies: not in the state of who runs the tests
const state = mkdtempSync(join(tmpdir(), 'sd-scene-'))
afterAll(() => rmSync(state, { recursive: true, force: true }))

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))

const play = async (url: string | undefined): Promise<{ output: string; tookMs: number }> => {
  const { SD_URL: _, ...rest } = process.env
  const env = { ...rest, XDG_STATE_HOME: state }
  const beganMs = performance.now()
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--conditions=@sd/source', main],
    { env: url === undefined ? env : { ...env, SD_URL: url }, timeout: 40_000 },
  )
  return { output: stdout, tookMs: performance.now() - beganMs }
}

/** What every backend's scene tells: one left by crashing, one by deregistering, nobody else. */
const expectScene = (output: string): void => {
  const left = [...output.matchAll(/removed +(orders-\d)/g)].map(([, id]) => id)
  expect(left).toEqual(['orders-4', 'orders-1'])
  expect(output).toMatch(/updated +orders-1 +weight 100 → 10/)
  expect(output).toMatch(/stale +the registry is unreachable/)
  expect(output).toContain('Try next:')
  expect(output).not.toContain('\u001B')
}

test('npm start plays on the embedded default, in under 15 s, in plain lines in a pipe', async () => {
  const { output, tookMs } = await play(undefined)
  expectScene(output)
  expect(tookMs).toBeLessThan(15_000)
})

describe.concurrent('npm start', () => {
  test('plays within this process as well', async () => {
    const { output } = await play('memory:')
    expectScene(output)
  })

  test.each([etcd, zookeeper, consul])('plays the same on $name', async (spec) => {
    await using servers = await provideServers(spec)
    const { output } = await play(`${spec.name}://${servers.endpoints.join(',')}`)
    expectScene(output)
  })

  test('says what is wrong with SD_URL, and nothing else', async () => {
    const failing = play('etdc://127.0.0.1:2379')
    await expect(failing).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^\[invalid-config\] .*etcd/) as string,
    })
  })
})
