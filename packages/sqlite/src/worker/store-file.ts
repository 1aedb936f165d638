import type { DriverEvent } from '@sd/core/driver'
import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { failureOf, isCorrupt, StoreMoved, StoreRefusal } from './failure.ts'
import { Guard } from './guard.ts'
import { networkFileSystem } from './network-file-system.ts'
import { companions, fileAt, OpenFile } from './open-file.ts'
import { schema } from './schema.ts'

/**
 * The file that the processes share. Opens it, creates it if there is none, reopens it after it was
 * replaced, and sets it aside when it is damaged.
 */
export class StoreFile implements Disposable {
  readonly #path: string
  readonly #guard: Guard
  readonly #report: (event: DriverEvent) => void
  #open: OpenFile | undefined

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
    return this.#use((file) =>
      file.transact('IMMEDIATE', () => {
        if (!file.isCurrent) throw new StoreMoved(`${this.#path} was replaced`)
        return work(file)
      }),
    )
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
        `${this.#path} lies on ${network}, where SQLite's locks and shared memory do not work; ` +
          'expected a local disk; to share between machines use etcd, ZooKeeper or Consul',
      )
    return new OpenFile(this.#path, identity ?? this.#make())
  }

  /** Creates the file atomically: other processes see only a complete file. */
  #make(): string {
    return this.#guard.hold(() => {
      const made = fileAt(this.#path)
      if (made !== undefined) return made
      // a unique name: if the guard file was deleted too, another process may do the same
      const draft = `${this.#path}-new-${process.pid}-${process.hrtime.bigint()}`
      try {
        closeSync(openSync(draft, 'wx', 0o600))
        const database = new DatabaseSync(draft)
        try {
          database.exec(`PRAGMA journal_mode = WAL; BEGIN; ${schema} COMMIT`)
        } finally {
          database.close()
        }
        // leftovers of a deleted file, which SQLite would attribute to the new one
        for (const companion of companions) rmSync(`${this.#path}${companion}`, { force: true })
        renameSync(draft, this.#path)
      } catch (error) {
        for (const name of [draft, `${draft}-wal`, `${draft}-shm`]) rmSync(name, { force: true })
        throw error
      }
      const identity = fileAt(this.#path)
      if (identity === undefined) throw new StoreMoved(`${this.#path} is gone again`)
      return identity
    })
  }

  /** Renames a damaged file of this package; the next call creates a new one. Returns a message. */
  #setAside(damage: string): string {
    if (!this.#guard.exists)
      throw new StoreRefusal(
        'invalid-config',
        `${this.#path} is no database (${damage}); expected one of ours, or nothing there`,
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
      const message = `${this.#path} is damaged (${damage}); it was set aside as ${aside}, and a new one is made`
      this.#report({ level: 'error', event: 'file-set-aside', message, details: { aside } })
      return message
    })
  }

  #isWhole(identity: string): boolean {
    let file: OpenFile | undefined
    try {
      file = new OpenFile(this.#path, identity)
      return file.statement('PRAGMA quick_check(1)').get()?.['quick_check'] === 'ok'
    } catch (error) {
      if (isCorrupt(failureOf(error))) return false
      throw error
    } finally {
      file?.[Symbol.dispose]()
    }
  }
}
