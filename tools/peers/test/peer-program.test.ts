import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { repositoryRoot } from '@sd/test-servers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type PeerBuild, peerProgram } from '../src/peer-program.ts'

let folder: string
let lines: string[]
let builds: number
let built: Set<string>

beforeEach(async () => {
  const cache = join(repositoryRoot, '.cache')
  await mkdir(cache, { recursive: true })
  folder = await mkdtemp(join(cache, 'peer-sources-'))
  await writeFile(join(folder, 'main'), randomUUID())
  lines = []
  builds = 0
  built = new Set()
})
afterEach(async () => {
  await rm(folder, { recursive: true })
  for (const path of built) await rm(path, { recursive: true, force: true })
})

const program = (options: Partial<PeerBuild>): ReturnType<typeof peerProgram> =>
  peerProgram(
    {
      language: 'Go',
      sources: relative(repositoryRoot, folder),
      missing: () => Promise.resolve(undefined),
      build: async (_sources, to) => {
        builds++
        await writeFile(join(to, 'peers'), '')
      },
      command: (path) => {
        built.add(path)
        return [join(path, 'peers')]
      },
      ...options,
    },
    (line) => lines.push(line),
  )

describe('the program of peers', () => {
  test('is built once for each content of its sources', async () => {
    const first = await program({})
    expect(await program({})).toEqual(first)
    expect(builds).toBe(1)
    await writeFile(join(folder, 'main'), randomUUID())
    expect(await program({})).not.toEqual(first)
    expect(builds).toBe(2)
    expect(lines).toEqual([])
  })

  test('is built once by test files that run at the same time', async () => {
    const [first, second] = await Promise.all([program({}), program({})])
    expect(second).toEqual(first)
    expect(builds).toBe(1)
  })

  test('without its toolchain is missing: one line says what to install', async () => {
    const missing = (): Promise<string> => Promise.resolve('install Go')
    expect(await program({ missing })).toEqual({ missing: 'install Go' })
    expect(lines).toEqual(['peers: no Go peers, their tests are skipped: install Go'])
    expect(builds).toBe(0)
  })

  test('that cannot be built is missing, with the reason, and is built again later', async () => {
    const build = (): Promise<void> => Promise.reject(new Error('no network'))
    expect(await program({ build })).toEqual({ missing: 'their build failed: no network' })
    expect(lines).toEqual([
      'peers: no Go peers, their tests are skipped: their build failed: no network',
    ])
    expect(await program({})).toHaveProperty('command')
  })
})
