import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { inTurn } from '../src/in-turn.ts'

let folder: string
let lock: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'in-turn-'))
  lock = join(folder, 'lock')
})
afterEach(() => rm(folder, { recursive: true }))

test('one runs after the other, also after a failure', async () => {
  const steps: string[] = []
  const work = (name: string) => async (): Promise<void> => {
    steps.push(`${name} begins`)
    await new Promise((resolve) => setTimeout(resolve, 60))
    steps.push(`${name} ends`)
    if (name === 'a') throw new Error('no network')
  }
  const both = [inTurn(lock, 10_000, work('a')), inTurn(lock, 10_000, work('b'))]
  expect(await Promise.allSettled(both)).toMatchObject([{ reason: { message: 'no network' } }, {}])
  expect([steps, [...steps.slice(2), ...steps.slice(0, 2)]]).toContainEqual([
    'a begins',
    'a ends',
    'b begins',
    'b ends',
  ])
  expect(existsSync(lock)).toBe(false)
})

test('the lock of a process that was killed is removed', async () => {
  await writeFile(lock, String(spawnSync('true').pid))
  expect(await inTurn(lock, 10_000, () => Promise.resolve('done'))).toBe('done')
})

test('the lock of a live process is waited for, until the deadline', async () => {
  await writeFile(lock, String(process.pid))
  await expect(inTurn(lock, 100, () => Promise.resolve())).rejects.toThrow('is free')
})
