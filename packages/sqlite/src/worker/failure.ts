import type { RegistryErrorCode } from '@sd/core/driver'

/** A failure in the store's thread, in a form that can be sent to another thread. */
export interface Failure {
  readonly message: string
  /** SQLite's extended result code. */
  readonly sqlite?: number
  /** The error code of the operating system or Node, such as `ENOSPC`. */
  readonly system?: string
  /** The code of a failure that the store itself raised. */
  readonly registry?: RegistryErrorCode
}

/** SQLite's primary result codes that this package handles (https://sqlite.org/rescode.html). */
export const sqliteCode = {
  permission: 3,
  busy: 5,
  locked: 6,
  noMemory: 7,
  readOnly: 8,
  io: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  notADatabase: 26,
} as const

/** The primary code of an extended one. */
export const primaryCode = (extended: number): number => extended & 0xff

/** An error that the store itself raises. */
export class StoreRefusal extends Error {
  readonly registry: RegistryErrorCode

  constructor(registry: RegistryErrorCode, message: string) {
    super(message)
    this.registry = registry
  }
}

/** Another process replaced a file meanwhile; the caller repeats the step, as after a lock. */
export class StoreMoved extends Error {
  readonly errcode: number = sqliteCode.busy
}

/** Converts `thrown` for sending. `node:sqlite` puts the result code into `errcode`. */
export const failureOf = (thrown: unknown): Failure => {
  if (!(thrown instanceof Error)) return { message: String(thrown) }
  const { message, errcode, code, registry } = thrown as Error & {
    readonly errcode?: unknown
    readonly code?: unknown
    readonly registry?: RegistryErrorCode
  }
  return {
    message,
    ...(typeof errcode === 'number' ? { sqlite: errcode } : {}),
    ...(typeof errcode !== 'number' && typeof code === 'string' ? { system: code } : {}),
    ...(registry === undefined ? {} : { registry }),
  }
}

const isOneOf = ({ sqlite }: Failure, codes: readonly number[]): boolean =>
  sqlite !== undefined && codes.includes(primaryCode(sqlite))

/** Whether another process held a lock, so that the same step may succeed later. */
export const isLocked = (failure: Failure): boolean =>
  isOneOf(failure, [sqliteCode.busy, sqliteCode.locked])

/**
 * Whether writing is impossible at present, while reading may still work: the file is locked, the
 * disk is full, or a quota is exceeded (which SQLite reports as an I/O error).
 */
export const isUnwritable = (failure: Failure): boolean =>
  isLocked(failure) || isOneOf(failure, [sqliteCode.full, sqliteCode.io])

/** Whether SQLite could not interpret the file. */
export const isCorrupt = (failure: Failure): boolean =>
  isOneOf(failure, [sqliteCode.corrupt, sqliteCode.notADatabase])
