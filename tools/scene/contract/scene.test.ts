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

/** A busy machine takes several times longer than the 12 s of a scene. */
const timeout = 120_000

const play = async (url: string | undefined): Promise<string> => {
  const { SD_URL: _, ...rest } = process.env
  const env = { ...rest, XDG_STATE_HOME: state }
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--conditions=@sd/source', main],
    { env: url === undefined ? env : { ...env, SD_URL: url }, timeout },
  )
  return stdout
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

test('npm start plays on the embedded default, in plain lines in a pipe', { timeout }, async () => {
  expectScene(await play(undefined))
})

describe.concurrent('npm start', { timeout }, () => {
  test('plays within this process as well', async () => {
    expectScene(await play('memory:'))
  })

  test.each([etcd, zookeeper, consul])('plays the same on $name', async (spec) => {
    await using servers = await provideServers(spec)
    expectScene(await play(`${spec.name}://${servers.endpoints.join(',')}`))
  })

  test('says what is wrong with SD_URL, and nothing else', async () => {
    const failing = play('etdc://127.0.0.1:2379')
    await expect(failing).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^\[invalid-config\] .*etcd/) as string,
    })
  })
})
