import { RegistryError } from '@sd/core/driver'
import { describe, expect, test } from 'vitest'
import { StoreError, toRegistryError } from '../src/errors.ts'
import {
  failureOf,
  isCorrupt,
  isLocked,
  isUnwritable,
  StoreMoved,
  StoreRefusal,
} from '../src/worker/failure.ts'

/** An error as `node:sqlite` throws it. */
const sqliteFailure = (errcode: number): Error =>
  Object.assign(new Error('text of SQLite'), { code: 'ERR_SQLITE_ERROR', errcode })

const systemFailure = (code: string): Error =>
  Object.assign(new Error(`${code}: text of the system`), { code })

describe('toRegistryError', () => {
  test.each([
    [3, 'permission-denied', 'may not read and write'],
    [5, 'unavailable', 'holds the lock'],
    [6, 'unavailable', 'holds the lock'],
    [8, 'permission-denied', 'may not read and write'],
    [8 | (3 << 8), 'permission-denied', 'may not read and write'],
    [10, 'unavailable', 'refuses to read or write'],
    [10 | (3 << 8), 'unavailable', 'refuses to read or write'],
    [11, 'unavailable', 'damaged'],
    [13, 'unavailable', 'the disk is full'],
    [14, 'unavailable', 'cannot be opened'],
    [26, 'unavailable', 'damaged'],
    [1, 'internal', 'text of SQLite'],
  ])('SQLite code %i is %s', (errcode, code, words) => {
    const cause = new StoreError(failureOf(sqliteFailure(errcode)))
    const error = toRegistryError(cause, 'put')
    expect(error).toMatchObject({ code, backend: 'sqlite', operation: 'put' })
    expect(error.cause).toMatchObject({ message: cause.message })
    expect(error.message).toContain(words)
  })

  test.each([
    ['ENOSPC', 'unavailable', 'the disk is full'],
    ['EDQUOT', 'unavailable', 'the disk is full'],
    ['EACCES', 'permission-denied', 'may not read and write'],
    ['EROFS', 'permission-denied', 'may not read and write'],
    ['ENOENT', 'unavailable', 'is its disk mounted?'],
    ['ENOTDIR', 'invalid-config', 'expected a folder'],
    ['EEXIST', 'invalid-config', 'expected a folder'],
    ['EMFILE', 'unavailable', 'text of the system'],
    ['EIO', 'unavailable', 'text of the system'],
    ['ERR_UNKNOWN_BUILTIN_MODULE', 'unsupported', '22.19'],
    ['MODULE_NOT_FOUND', 'unsupported', 'mark the package as external in the bundler'],
    ['ERR_INVALID_ARG_TYPE', 'internal', 'text of the system'],
  ])('%s is %s', (code, expected, words) => {
    const error = toRegistryError(systemFailure(code), 'list')
    expect(error).toMatchObject({ code: expected, operation: 'list' })
    expect(error.message).toContain(words)
  })

  test('returns a RegistryError unchanged, keeps codes of the store, and accepts values that are not errors', () => {
    const own = new RegistryError('closed', { backend: 'sqlite', operation: 'list', message: 'x' })
    expect(toRegistryError(own, 'put')).toBe(own)
    const refused = new StoreError(failureOf(new StoreRefusal('invalid-config', 'not ours')))
    expect(toRegistryError(refused, 'put').message).toBe('[invalid-config] put: not ours')
    expect(toRegistryError('text', 'put')).toMatchObject({ code: 'internal' })
  })
})

test('locked and damaged files are distinguished from other failures', () => {
  expect([5, 6, 5 | (2 << 8)].every((code) => isLocked({ message: '', sqlite: code }))).toBe(true)
  expect(isLocked(failureOf(new StoreMoved('x')))).toBe(true)
  expect([11, 26, 11 | (1 << 8)].every((code) => isCorrupt({ message: '', sqlite: code }))).toBe(
    true,
  )
  for (const failure of [failureOf(sqliteFailure(13)), failureOf(systemFailure('EBUSY'))])
    expect([isLocked(failure), isCorrupt(failure)]).toEqual([false, false])
  const unwritable = [5, 10, 13, 11].map((code) => isUnwritable({ message: '', sqlite: code }))
  expect(unwritable).toEqual([true, true, true, false])
})
