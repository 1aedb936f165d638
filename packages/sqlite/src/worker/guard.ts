import { existsSync, statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { StoreMoved } from './failure.ts'
import { createEmpty, requireAccess } from './file-access.ts'

const inodeOf = (path: string): bigint | undefined =>
  statSync(path, { bigint: true, throwIfNoEntry: false })?.ino

/**
 * A lock between processes for steps that SQLite does not protect: creating, replacing and opening
 * the file, and setting a damaged one aside. It is SQLite's lock on an empty file; the system releases it when
 * its holder dies.
 */
export class Guard {
  readonly path: string

  constructor(path: string) {
    this.path = path
  }

  /** Whether this package has ever created the file, so that it may set a damaged one aside. */
  get exists(): boolean {
    return existsSync(this.path)
  }

  /** Runs `work` under the lock. Throws what counts as locked if another process holds it. */
  hold<T>(work: () => T): T {
    // only SQLite opens it: closing another descriptor would drop this process's locks
    if (!this.exists) {
      try {
        createEmpty(this.path)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      }
    }
    requireAccess([this.path])
    const inode = inodeOf(this.path)
    const lock = new DatabaseSync(this.path, { timeout: 0 })
    try {
      // without a journal on the disk, which may be full
      lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
      // the file was deleted and created again, so other processes lock another file
      if (inode === undefined || inodeOf(this.path) !== inode)
        throw new StoreMoved('the guard file was replaced')
      return work()
    } finally {
      lock.close()
    }
  }
}
