import { accessSync, closeSync, constants, fchmodSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/** The set-group-ID bit, and write access for the group: new files belong to the folder's group. */
const sharedFolder = 0o2020

/**
 * Creates an empty file; fails if it exists. Its user alone may use it, and also the group of a
 * folder that has the set-group-ID bit and that its group may write to. SQLite gives the log and
 * its index the mode of the database.
 */
export const createEmpty = (path: string): void => {
  const shared = (statSync(dirname(path)).mode & sharedFolder) === sharedFolder
  const descriptor = openSync(path, 'wx', 0o600)
  try {
    // not by the mode of `openSync`, which the umask reduces
    if (shared) fchmodSync(descriptor, 0o660)
  } finally {
    closeSync(descriptor)
  }
}

/** A file gets its mode a moment after another process creates it. */
const settleMs = 50

const failureToAccess = (path: string): NodeJS.ErrnoException | undefined => {
  try {
    accessSync(path, constants.R_OK | constants.W_OK)
    return undefined
  } catch (error) {
    return error as NodeJS.ErrnoException
  }
}

/**
 * Throws `EACCES` or `EROFS` if this user may not read and write one of the files that exist.
 * SQLite reports that as a file that cannot be opened, the same as a temporary failure.
 */
export const requireAccess = (paths: readonly string[]): void => {
  for (const path of paths) {
    if (failureToAccess(path)?.code === 'EACCES')
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, settleMs)
    const failure = failureToAccess(path)
    if (failure !== undefined && failure.code !== 'ENOENT') throw failure
  }
}
