import type { RegistryErrorCode } from '@sd/core/driver'

/** A failure in the store's thread, in a form that can be sent to another thread. */
export interface Failure {
  readonly message: string
  /** SQLite's extended result code. */
  readonly sqlite?: number
  /** The operating system's, or Node's: `ENOSPC`. */
  readonly system?: string
  /** The code where the store itself raised the failure. */
  readonly registry?: RegistryErrorCode
}

/** SQLite's primary result codes that mean something to us (https://sqlite.org/rescode.html). */
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

/** The primary code in an extended one. */
export const primaryCode = (extended: number): number => extended & 0xff

/** A refusal that the store itself raises. */
export class StoreRefusal extends Error {
  readonly registry: RegistryErrorCode

  constructor(registry: RegistryErrorCode, message: string) {
    super(message)
    this.registry = registry
  }
}

/** Another process replaced a file meanwhile: the step is repeated, as if the file had been locked. */
export class StoreMoved extends Error {
  readonly errcode: number = sqliteCode.busy
}

/** `thrown` as it is sent. `node:sqlite` puts the result code into `errcode`. */
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

/** Whether somebody else held a lock, so that the same step may succeed a moment later. */
export const isLocked = (failure: Failure): boolean =>
  isOneOf(failure, [sqliteCode.busy, sqliteCode.locked])

/**
 * Whether nothing can be written at present, while records may still be read: the file is locked,
 * the disk is full, or a quota is used up (which SQLite calls an I/O error).
 */
export const isUnwritable = (failure: Failure): boolean =>
  isLocked(failure) || isOneOf(failure, [sqliteCode.full, sqliteCode.io])

/** Whether SQLite could not make sense of the file. */
export const isCorrupt = (failure: Failure): boolean =>
  isOneOf(failure, [sqliteCode.corrupt, sqliteCode.notADatabase])
