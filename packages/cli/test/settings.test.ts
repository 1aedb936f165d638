import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { UsageError } from '../src/exit-code.ts'
import { describeLocation, findRegistry } from '../src/settings.ts'

let root: string
let deep: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sd-settings-'))
  deep = join(root, 'a', 'b')
  await mkdir(deep, { recursive: true })
})
afterEach(() => rm(root, { recursive: true, force: true }))

const write = (path: string, value: unknown): Promise<void> =>
  writeFile(join(root, path), typeof value === 'string' ? value : JSON.stringify(value))

describe('the registry is selected by', () => {
  test('--url before SD_URL before a file', async () => {
    await write('.sdrc.json', { url: 'memory:c' })
    const environment = { SD_URL: 'memory:b' }
    expect(await findRegistry('memory:a', environment, deep)).toEqual({
      url: 'memory:a',
      from: '--url',
    })
    expect(await findRegistry(undefined, environment, deep)).toEqual({
      url: 'memory:b',
      from: 'SD_URL',
    })
    const file = { url: 'memory:c', from: join(root, '.sdrc.json') }
    expect(await findRegistry(undefined, {}, deep)).toEqual(file)
  })

  test('the nearest file upwards; a package.json counts when it has "sd"', async () => {
    await write('.sdrc.json', { url: 'memory:far' })
    await write('a/package.json', { name: 'x', sd: { url: 'memory:near' } })
    await write('a/b/package.json', { name: 'y' })
    expect((await findRegistry(undefined, {}, deep)).url).toBe('memory:near')
  })

  test('no setting: the embedded default', async () => {
    expect(await findRegistry(undefined, {}, deep)).toEqual({ from: 'the embedded default' })
  })

  test('an empty SD_URL, which createRegistry refuses', async () => {
    expect(await findRegistry(undefined, { SD_URL: '' }, deep)).toMatchObject({ url: '' })
  })
})

test.each([
  ['{ "url', /\.sdrc\.json is not JSON/],
  [{ urll: 'memory:' }, /unknown key "urll"; did you mean "url"/],
  [{ url: 1 }, /it has no "url"; expected/],
  [[], /its settings are not an object; expected/],
])('settings of %j are refused, with the file named', async (settings, problem) => {
  await write('a/.sdrc.json', settings)
  await expect(findRegistry(undefined, {}, deep)).rejects.toThrow(problem)
  await expect(findRegistry(undefined, {}, deep)).rejects.toThrow(join(root, 'a'))
})

test('unreadable settings are refused with the reason', async () => {
  await mkdir(join(root, 'a', '.sdrc.json'))
  await expect(findRegistry(undefined, {}, deep)).rejects.toThrow(
    new UsageError(
      `the settings above ${deep} cannot be read: EISDIR: illegal operation on a directory, read`,
    ),
  )
})

test.each([
  ['etcd://user:p%40ss@h1:1,h2/ns?ttl=1s', 'etcd://…@h1:1,h2/ns?ttl=1s'],
  ['consul://:token@h:8500', 'consul://…@h:8500'],
  ['sqlite:///a/b@c.db', 'sqlite:///a/b@c.db'],
])('%s is shown without credentials', (url, shown) => {
  expect(describeLocation({ url, from: 'SD_URL' })).toBe(`${shown} (SD_URL)`)
})
