import {
  type DriverErrors,
  driverErrors,
  type RegistryError,
  type RegistryErrorCode,
} from '@sd/core/driver'
import { type Failure, failureOf, isLocked, primaryCode, sqliteCode } from './worker/failure.ts'

/** The backend name in every error and in the driver. */
export const backend = 'sqlite'

interface Meaning {
  readonly code: RegistryErrorCode
  /** Text before SQLite's own message: the meaning here, and what to do. */
  readonly advice?: string
}

const diskFull: Meaning = { code: 'unavailable', advice: 'the disk is full; free some space' }
const denied: Meaning = {
  code: 'permission-denied',
  advice: 'this user may not read and write the file and its folder',
}

const blocked: Meaning = {
  code: 'invalid-config',
  advice: 'a part of the path is a file; expected a folder',
}

const unbundled: Meaning = {
  code: 'unsupported',
  advice: 'a file of @sd/sqlite is missing; mark the package as external in the bundler',
}

/** SQLite's primary result codes (https://sqlite.org/rescode.html). */
const sqliteMeanings: ReadonlyMap<number, Meaning> = new Map([
  [sqliteCode.permission, denied],
  [sqliteCode.busy, { code: 'unavailable', advice: 'another process holds the lock' }],
  [sqliteCode.locked, { code: 'unavailable', advice: 'another process holds the lock' }],
  [sqliteCode.noMemory, { code: 'unavailable' }],
  [sqliteCode.readOnly, denied],
  [sqliteCode.io, { code: 'unavailable', advice: 'the disk refuses to read or write' }],
  [sqliteCode.corrupt, { code: 'unavailable', advice: 'the file is damaged' }],
  [sqliteCode.full, diskFull],
  [sqliteCode.cannotOpen, { code: 'unavailable', advice: 'the file cannot be opened' }],
  [sqliteCode.notADatabase, { code: 'unavailable', advice: 'the file is damaged' }],
])

const systemMeanings: Readonly<Record<string, Meaning>> = {
  ENOSPC: diskFull,
  EDQUOT: diskFull,
  EACCES: denied,
  EPERM: denied,
  EROFS: denied,
  ENOENT: { code: 'unavailable', advice: 'the folder does not exist; is its disk mounted?' },
  EEXIST: blocked,
  ENOTDIR: blocked,
  ERR_ACCESS_DENIED: {
    code: 'permission-denied',
    advice:
      'Node runs with --permission; allow worker threads, and access to the folder of the file',
  },
  MODULE_NOT_FOUND: unbundled,
  ERR_MODULE_NOT_FOUND: unbundled,
  ERR_UNKNOWN_BUILTIN_MODULE: {
    code: 'unsupported',
    advice: 'node:sqlite is missing or turned off; use Node 22.19 or later',
  },
}

const meaningOf = ({ sqlite, system, registry }: Failure): Meaning => {
  if (registry !== undefined) return { code: registry }
  if (sqlite !== undefined) return sqliteMeanings.get(primaryCode(sqlite)) ?? { code: 'internal' }
  if (system === undefined) return { code: 'internal' }
  // other file system errors may be temporary: an unmounted disk, too many open files
  return (
    systemMeanings[system] ?? { code: /^E[A-Z0-9]+$/.test(system) ? 'unavailable' : 'internal' }
  )
}

const errors: DriverErrors = driverErrors(backend, (cause) => {
  const failure = cause instanceof StoreError ? cause.failure : failureOf(cause)
  const { code, advice } = meaningOf(failure)
  return { code, message: advice === undefined ? failure.message : `${advice}: ${failure.message}` }
})

/** Creates an error that this driver raises itself. */
export const sqliteError: DriverErrors['error'] = errors.error

/** The loss of a session that the file does not have. */
export const sessionGone = (operation: string, id: string): RegistryError =>
  sqliteError('session-lost', operation, `session ${id} has expired, or its file was replaced`)

/** Converts a failure of the store to a `RegistryError`, if it is not one already. */
export const toRegistryError: DriverErrors['toRegistryError'] = errors.toRegistryError

/** A failure that the store's thread reported instead of a result. */
export class StoreError extends Error {
  readonly failure: Failure

  constructor(failure: Failure) {
    super(failure.message)
    this.failure = failure
  }

  /** Whether the file was locked, so that the call had no effect. */
  get isLocked(): boolean {
    return isLocked(this.failure)
  }
}
