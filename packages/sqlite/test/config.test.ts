import { join, resolve } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { defaultPath } from '../src/default-path.ts'
import { sqlite, validateSqliteConfig } from '../src/index.ts'

describe('validateSqliteConfig', () => {
  test('fills in path and namespace, and freezes a copy', () => {
    const config = validateSqliteConfig({})
    expect(config).toEqual({ path: defaultPath(), namespace: 'services' })
    expect(Object.isFrozen(config)).toBe(true)
  })

  test('resolves a relative path from the working directory', () => {
    expect(validateSqliteConfig({ path: 'sd.db', namespace: 'blue/eu' })).toEqual({
      path: resolve('sd.db'),
      namespace: 'blue/eu',
    })
  })

  test('accepts a heartbeat in a worker', () => {
    const given = { path: resolve('sd.db'), heartbeat: 'worker', maxBlockMs: 30_000 }
    expect(validateSqliteConfig(given)).toEqual({ ...given, namespace: 'services' })
  })

  test.each([
    [{ maxBlockMs: 1 }, "maxBlockMs is given without heartbeat: 'worker'"],
    [undefined, 'the configuration is undefined'],
    [{ path: 7 }, "path is 7; expected a file's name, no URL and no folder"],
    [{ path: '' }, 'for a registry in memory use @sd/memory'],
    [{ path: ':memory:' }, 'for a registry in memory use @sd/memory'],
    [{ path: 'file:///var/lib/sd.db' }, 'no URL and no folder'],
    [{ path: '/var/lib/' }, 'no URL and no folder'],
    [{ path: 'a\0b' }, "expected a file's name"],
    [{ path: '\ud800' }, "expected a file's name"],
    [{ namespace: '' }, 'namespace is ""'],
    [{ namespace: 'a/' }, 'namespace is "a/"'],
    [{ file: 'x' }, 'unknown key "file"'],
    [{ Path: 'x' }, 'did you mean "path"'],
    [{ tls: {} }, 'unknown key "tls"'],
  ])('refuses %j', (given, message) => {
    expect(() => validateSqliteConfig(given)).toThrow(
      expect.objectContaining({
        code: 'invalid-config',
        message: expect.stringContaining(message) as string,
      }) as Error,
    )
  })

  test('requires a path for a user without a home folder', () => {
    vi.stubEnv('HOME', '')
    vi.stubEnv('XDG_STATE_HOME', '')
    try {
      expect(() => validateSqliteConfig({})).toThrow(
        /\[invalid-config\].*path is undefined; expected the path of a file, as this user has no home folder \(or set SD_URL=/,
      )
      expect(validateSqliteConfig({ path: '/sd.db' }).path).toBe(resolve('/sd.db'))
    } finally {
      vi.unstubAllEnvs()
    }
  })

  test('is checked before anything is created', () => {
    expect(() => sqlite({ path: '' })).toThrow(/invalid-config/)
  })
})

describe('the default path', () => {
  const home = '/home/u'
  test.each([
    ['linux', {}, '/home/u/.local/state/sd/registry.db'],
    ['linux', { XDG_STATE_HOME: '/state' }, '/state/sd/registry.db'],
    ['linux', { XDG_STATE_HOME: 'relative' }, '/home/u/.local/state/sd/registry.db'],
    ['darwin', {}, '/home/u/Library/Application Support/sd/registry.db'],
    ['win32', { LOCALAPPDATA: '/local' }, '/local/sd/registry.db'],
    ['win32', {}, '/home/u/AppData/Local/sd/registry.db'],
  ])('on %s with %j is %s', (platform, env, path) => {
    expect(defaultPath(platform, env, home)).toBe(join(path))
  })

  test('needs no home folder where XDG_STATE_HOME is set', () => {
    expect(defaultPath('linux', { XDG_STATE_HOME: '/state' }, '')).toBe(
      join('/state/sd/registry.db'),
    )
    expect(defaultPath('linux', {}, '')).toBeUndefined()
  })
})
