import type { DriverEvent } from '@sd/core/driver'
import { existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { failureOf, isCorrupt, StoreMoved, StoreRefusal } from './failure.ts'
import { createEmpty } from './file-access.ts'
import { Guard } from './guard.ts'
import { networkFileSystem } from './network-file-system.ts'
import { companions, fileAt, OpenFile, synchronous } from './open-file.ts'
import { bootOf, ownIdentity } from './process-identity.ts'
import { schema } from './schema.ts'

/**
 * SQLite writes its log back into the file at 4 MB. It cannot where a reader keeps a transaction
 * open, such as a shell. From this size on the processes move to a copy of the file, without a log.
 */
const longestLogBytes = 32 << 20

/** Copies the database at `from` into the empty file `to`. */
const copy = (from: string, to: string): void => {
  const database = new DatabaseSync(from)
  try {
    database.prepare('VACUUM INTO ?').run(to)
  } finally {
    database.close()
  }
}

/**
 * The file that the processes share. Opens it, creates it if there is none or the machine was
 * started again, reopens it after it was replaced, and sets it aside when it is damaged.
 */
export class StoreFile implements Disposable {
  readonly #path: string
  readonly #guard: Guard
  readonly #report: (event: DriverEvent) => void
  readonly #boot = bootOf(ownIdentity())
  #open: OpenFile | undefined
  #longestLogBytes = longestLogBytes

  constructor(path: string, report: (event: DriverEvent) => void) {
    this.#path = path
    this.#guard = new Guard(`${path}-guard`)
    this.#report = report
  }

  /** Reads in one transaction. */
  read<T>(work: (file: OpenFile) => T): T {
    return this.#use((file) => file.transact('DEFERRED', () => work(file)))
  }

  /** Writes in one transaction, into the file that the path refers to. */
  write<T>(work: (file: OpenFile) => T): T {
    return this.#use((file) => {
      const result = file.transact('IMMEDIATE', () => {
        this.#requireCurrent(file)
        return work(file)
      })
      this.#limitLog(file)
      return result
    })
  }

  [Symbol.dispose](): void {
    this.#open?.[Symbol.dispose]()
    this.#open = undefined
  }

  #use<T>(work: (file: OpenFile) => T): T {
    if (this.#open?.isCurrent === false) this[Symbol.dispose]()
    try {
      this.#open ??= this.#connect(fileAt(this.#path))
      return work(this.#open)
    } catch (error) {
      if (!isCorrupt(failureOf(error))) throw error
      const message = error instanceof Error ? error.message : String(error)
      this[Symbol.dispose]()
      throw new StoreRefusal('unavailable', this.#setAside(message))
    }
  }

  #connect(identity: string | undefined): OpenFile {
    const folder = dirname(this.#path)
    if (identity === undefined) mkdirSync(folder, { recursive: true, mode: 0o700 })
    const network = networkFileSystem(folder)
    if (network !== undefined)
      throw new StoreRefusal(
        'invalid-config',
        `${this.#path} is on ${network}, where SQLite's locks and shared memory do not work; ` +
          'expected a local disk; to share between machines use etcd, ZooKeeper or Consul',
      )
    this.#longestLogBytes = longestLogBytes
    const file = this.#openFile(identity ?? this.#make(undefined))
    if (file.boot === this.#boot) return file
    file[Symbol.dispose]()
    return this.#openFile(this.#make(identity))
  }

  /** Not while another process replaces the file: the log beside it might be the previous one. */
  #openFile(identity: string): OpenFile {
    const open = (): OpenFile => new OpenFile(this.#path, identity, this.#boot)
    // without a guard file nobody replaces it, and it may not be a file of this package
    return this.#guard.exists ? this.#guard.hold(open) : open()
  }

  /** Creates the file in place of none, or of the one with the identity `outdated`. */
  #make(outdated: string | undefined): string {
    return this.#guard.hold(() => {
      const made = fileAt(this.#path)
      if (made !== undefined && made !== outdated) return made
      this.#replace((draft) => draft.exec(`BEGIN; ${schema} COMMIT`))
      const identity = fileAt(this.#path)
      if (identity === undefined)
        throw new StoreMoved(`${this.#path} was deleted while it was opened`)
      return identity
    })
  }

  /** Under the guard: creates a file atomically, so that other processes see only a complete one. */
  #replace(fill: (draft: DatabaseSync, path: string) => void): void {
    // a unique name: if the guard file was deleted too, another process may do the same
    const path = `${this.#path}-new-${process.pid}-${process.hrtime.bigint()}`
    try {
      createEmpty(path)
      const draft = new DatabaseSync(path)
      try {
        draft.exec(`PRAGMA synchronous = ${synchronous(this.#boot)}`)
        fill(draft, path)
        draft.exec('PRAGMA journal_mode = WAL')
        draft.prepare('UPDATE store SET boot = ?').run(this.#boot)
      } finally {
        draft.close()
      }
      // those of the previous file, which SQLite would attribute to the new one
      for (const companion of companions) rmSync(`${this.#path}${companion}`, { force: true })
      renameSync(path, this.#path)
    } catch (error) {
      for (const name of [path, `${path}-wal`, `${path}-shm`]) rmSync(name, { force: true })
      throw error
    }
  }

  #requireCurrent(file: OpenFile): void {
    if (!file.isCurrent) throw new StoreMoved(`${this.#path} was replaced`)
  }

  /**
   * Replaces the file by a copy if its log is too long. The reader that prevents SQLite from
   * shortening it keeps the replaced file, which the system deletes when the reader ends.
   */
  #limitLog(file: OpenFile): void {
    const log = statSync(`${this.#path}-wal`, { throwIfNoEntry: false })
    if (log === undefined || log.size <= this.#longestLogBytes) return
    try {
      // enough if the last reader has just left
      if (file.statement('PRAGMA wal_checkpoint(TRUNCATE)').get()?.['busy'] === 0) return
      this.#guard.hold(() =>
        // writers ask which file is current once they hold this lock, so the copy is complete
        file.transact('IMMEDIATE', () => {
          this.#requireCurrent(file)
          this.#replace((_, path) => copy(this.#path, path))
        }),
      )
      this[Symbol.dispose]()
    } catch {
      // another process does the same, or the disk is full; the write itself succeeded
      this.#longestLogBytes = log.size + longestLogBytes
    }
  }

  /** Renames a damaged file of this package; the next call creates a new one. Returns a message. */
  #setAside(damage: string): string {
    if (!this.#guard.exists)
      throw new StoreRefusal(
        'invalid-config',
        `${this.#path} is not a database (${damage}); expected a file of @sd/sqlite, or no file`,
      )
    return this.#guard.hold(() => {
      const identity = fileAt(this.#path)
      if (identity === undefined || this.#isWhole(identity))
        return `${this.#path} was damaged (${damage}) and has been replaced`
      const stamp = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '')
      const aside = `${this.#path}.corrupt-${stamp}`
      renameSync(this.#path, aside)
      if (existsSync(`${this.#path}-wal`)) renameSync(`${this.#path}-wal`, `${aside}-wal`)
      rmSync(`${this.#path}-shm`, { force: true })
      const message = `${this.#path} is damaged (${damage}); it was set aside as ${aside}, and a new one is created`
      this.#report({ level: 'error', event: 'file-set-aside', message, details: { aside } })
      return message
    })
  }

  #isWhole(identity: string): boolean {
    let file: OpenFile | undefined
    try {
      file = new OpenFile(this.#path, identity, this.#boot)
      return file.statement('PRAGMA quick_check(1)').get()?.['quick_check'] === 'ok'
    } catch (error) {
      if (isCorrupt(failureOf(error))) return false
      throw error
    } finally {
      file?.[Symbol.dispose]()
    }
  }
}
