import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { cachedFolder } from '../src/cached-folder.ts'
import { etcd, zookeeper } from '../src/index.ts'
import type { Release } from '../src/releases/release.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sd-releases-'))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true, force: true })
})

test.each([
  [etcd, /building etcd 3\.7\.3 needs Go 1\.26 or later on PATH/],
  [zookeeper, /fetching org\.apache\.zookeeper:zookeeper:3\.9\.5 needs Maven and Java on PATH/],
])('of $name without its tool fails and names the tool', async ({ releases }, needed) => {
  vi.stubEnv('PATH', folder)
  await expect((releases[0] as Release).make(folder)).rejects.toThrow(needed)
})

test('of etcd with an old Go fails and names the version found', async () => {
  const go = join(folder, 'go')
  await writeFile(go, '#!/bin/sh\necho go version go1.19.8 linux/amd64\n', { mode: 0o755 })
  vi.stubEnv('PATH', folder)
  await expect((etcd.releases[0] as Release).make(folder)).rejects.toThrow(
    'needs Go 1.26 or later on PATH (https://go.dev/dl); found: go version go1.19.8',
  )
})

test('a cached folder is created once, and a failed attempt leaves nothing', async () => {
  const cache = join(folder, 'cache')
  const path = join(cache, 'server-1.0')
  const failing = cachedFolder(path, async (work) => {
    await writeFile(join(work, 'half'), '')
    throw new Error('no network')
  })
  await expect(failing).rejects.toThrow('no network')
  expect(await readdir(cache)).toEqual([])
  const fill = vi.fn<(work: string) => Promise<string>>(async (work) => {
    await writeFile(join(work, 'server'), '')
    return work
  })
  expect(await cachedFolder(path, fill)).toBe(path)
  expect(await cachedFolder(path, fill)).toBe(path)
  expect(fill).toHaveBeenCalledTimes(1)
  expect(existsSync(join(path, 'server'))).toBe(true)
})
