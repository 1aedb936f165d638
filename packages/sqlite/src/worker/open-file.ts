import { lstatSync, statSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { StoreMoved, StoreRefusal } from './failure.ts'
import { requireAccess } from './file-access.ts'
import { applicationId, schemaVersion } from './schema.ts'

/** How long SQLite blocks the thread for a lock. The driver waits longer, without blocking. */
const lockWaitMs = 5

/** The log is cut to this size when SQLite starts it again from its beginning. */
const idleLogBytes = 4 << 20

/** The file that a path refers to now; `undefined` if there is none, or an empty one. */
export const fileAt = (path: string): string | undefined => {
  // links are refused: the log is next to the target, which may be on another file system
  const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false })
  if (stat === undefined) return undefined
  if (!stat.isFile())
    throw new StoreRefusal(
      'invalid-config',
      `${path} is ${stat.isSymbolicLink() ? 'a link' : 'not a file'}; expected a file, or none yet (its folder may be a link)`,
    )
  return stat.size === 0n ? undefined : `${stat.dev}:${stat.ino}`
}

/**
 * The setting of SQLite's `synchronous`. A file of an earlier boot is not used, so it does not have
 * to survive a power failure, and no call waits until the disk has written. Where the boot is
 * unknown, the file stays intact; a power failure loses only records of processes that ended too.
 */
export const synchronous = (boot: string | null): 'OFF' | 'NORMAL' =>
  boot === null ? 'NORMAL' : 'OFF'

/** The files that SQLite keeps next to a database in WAL mode. */
export const companions = ['-wal', '-shm'] as const

const companionsAt = (path: string): string =>
  companions
    .map((name) => statSync(`${path}${name}`, { bigint: true, throwIfNoEntry: false })?.ino)
    .join()

/** An open connection to one file, which may since have been moved or deleted. */
export class OpenFile implements Disposable {
  readonly database: DatabaseSync
  readonly epoch: string
  /** The boot of the machine in which the file was made; `null` if it was unknown. */
  readonly boot: string | null
  readonly #identity: string
  readonly #path: string
  readonly #companions: string
  readonly #statements = new Map<string, StatementSync>()

  /**
   * Throws an error that counts as locked if the file is replaced meanwhile. `boot` is the present
   * boot of the machine, `null` if it is unknown.
   */
  constructor(path: string, identity: string, boot: string | null) {
    this.#identity = identity
    this.#path = path
    requireAccess([path, ...companions.map((name) => `${path}${name}`)])
    // must not be created here, see `StoreFile`
    this.database = new DatabaseSync(`${pathToFileURL(path).href}?mode=rw`, { timeout: lockWaitMs })
    try {
      this.database.exec(
        `PRAGMA synchronous = ${synchronous(boot)}; PRAGMA journal_size_limit = ${idleLogBytes}`,
      )
      this.#refuseForeign(path)
      const row = this.statement('SELECT * FROM store').get()
      this.boot = (row?.['boot'] as string | null | undefined) ?? null
      // includes the inode: a restored backup has the same epoch, and its history may have diverged
      this.epoch = `${String(row?.['epoch'])}-${identity.split(':')[1]}`
      // exists since the first read, and is the same file until the last connection closes
      this.#companions = companionsAt(path)
      if (!this.isCurrent) throw new StoreMoved(`${path} was replaced`)
    } catch (error) {
      this.database.close()
      throw error
    }
  }

  /** Whether the path still refers to this file, and the log next to it is the one in use. */
  get isCurrent(): boolean {
    return fileAt(this.#path) === this.#identity && companionsAt(this.#path) === this.#companions
  }

  /** Prepares a statement once. Use plain `?`: Node 22 does not bind numbered ones by position. */
  statement(sql: string): StatementSync {
    const known = this.#statements.get(sql)
    if (known !== undefined) return known
    const prepared = this.database.prepare(sql)
    this.#statements.set(sql, prepared)
    return prepared
  }

  /** Runs one transaction. `IMMEDIATE` takes the write lock, or throws if the file is locked. */
  transact<T>(kind: 'DEFERRED' | 'IMMEDIATE', work: () => T): T {
    this.database.exec(`BEGIN ${kind}`)
    try {
      const result = work()
      this.database.exec('COMMIT')
      return result
    } catch (error) {
      // SQLite itself ends the transaction after some failures, such as a full disk
      if (this.database.isTransaction) this.database.exec('ROLLBACK')
      throw error
    }
  }

  [Symbol.dispose](): void {
    this.database.close()
  }

  #refuseForeign(path: string): void {
    const pragma = (name: string): unknown => this.statement(`PRAGMA ${name}`).get()?.[name]
    if (pragma('application_id') !== applicationId)
      throw new StoreRefusal(
        'invalid-config',
        `${path} is another program's database; expected a file of @sd/sqlite, or no file`,
      )
    const version = Number(pragma('user_version'))
    if (version > schemaVersion)
      throw new StoreRefusal(
        'unsupported',
        `${path} has version ${version} of the schema, this process supports ${schemaVersion}: upgrade @sd/sqlite`,
      )
  }
}
