import type { DriverEvent } from '@sd/core/driver'
import { ChangeFollower } from './change-follower.ts'
import { failureOf, isUnwritable } from './failure.ts'
import type { OpenFile } from './open-file.ts'
import { keptChanges } from './schema.ts'
import { Sessions } from './sessions.ts'
import type {
  Changes,
  HistoryPosition,
  StoredValue,
  Reading,
  StoreApi,
  StoredRecord,
  StoreOptions,
  Write,
  WriteResult,
} from './store-api.ts'
import { StoreFile } from './store-file.ts'

const none: ReadonlySet<string> = new Set()

const valueOf = (row: Record<string, unknown>): StoredValue => ({
  key: String(row['key']),
  document: (row['document'] as Uint8Array | null) ?? undefined,
})

const recordOf = (row: Record<string, unknown>): StoredRecord => row as unknown as StoredRecord

/** One namespace of the file. Every method is one transaction, or two if it ends sessions first. */
export class Store implements StoreApi, Disposable {
  readonly #namespace: string
  readonly #file: StoreFile
  readonly #sessions = new Sessions()
  readonly #follower: ChangeFollower

  constructor({ path, namespace }: StoreOptions, report: (event: DriverEvent) => void) {
    this.#namespace = namespace
    this.#file = new StoreFile(path, report)
    this.#follower = new ChangeFollower(this, path)
  }

  openSession(id: string, ttlMs: number): void {
    this.#write((file) => this.#sessions.open(file, id, ttlMs))
  }

  renewSession(id: string): boolean {
    return this.#write((file) => this.#sessions.renew(file, id))
  }

  closeSession(id: string): void {
    this.#write((file) => this.#sessions.end(file, [id]))
  }

  write(session: string | null, writes: readonly Write[]): readonly WriteResult[] | undefined {
    return this.#write((file) =>
      session === null || this.#sessions.exists(file, session)
        ? writes.map((write) => this.#writeOne(file, session, write))
        : undefined,
    )
  }

  remove(writes: readonly Write[]): readonly WriteResult[] {
    return this.#write((file) => writes.map((write) => this.#writeOne(file, null, write)))
  }

  tiedTo(session: string): readonly string[] {
    return this.#file.read((file) =>
      file
        .statement('SELECT key FROM instances WHERE namespace = ? AND session = ?')
        .all(this.#namespace, session)
        .map(({ key }) => String(key)),
    )
  }

  find(keys: readonly string[]): readonly (StoredRecord | undefined)[] {
    return this.#file.read((file) => keys.map((key) => this.#findOne(file, key)))
  }

  replacedBy(session: string, keys: readonly string[]): readonly (Uint8Array | undefined)[] {
    return this.#file.read((file) => {
      const find = file.statement(
        'SELECT document FROM replaced WHERE session = ? AND namespace = ? AND key = ?',
      )
      return keys.map((key) => {
        const row = find.get(session, this.#namespace, key)
        return row?.['document'] as Uint8Array | undefined
      })
    })
  }

  read(prefix: string, documents: boolean): Reading {
    const hidden = this.#sweep()
    return this.#file.read((file) => {
      const rows = file
        .statement(
          `SELECT key, ${documents ? 'document' : 'NULL AS document'}, session FROM instances
           WHERE namespace = ? AND key >= ? AND key < ? || char(0x10ffff)`,
        )
        .all(this.#namespace, prefix, prefix)
      const records = rows
        .filter(({ session }) => typeof session !== 'string' || !hidden.has(session))
        .map(valueOf)
      return { position: this.#positionOf(file), records }
    })
  }

  exist(prefixes: readonly string[]): readonly boolean[] {
    return this.#file.read((file) => {
      const any = file.statement(
        `SELECT 1 FROM instances
         WHERE namespace = ? AND key >= ? AND key < ? || char(0x10ffff) LIMIT 1`,
      )
      return prefixes.map((prefix) => any.get(this.#namespace, prefix, prefix) !== undefined)
    })
  }

  changesSince({ epoch, revision }: HistoryPosition): Changes | undefined {
    return this.#file.read((file) => {
      const position = this.#positionOf(file)
      if (position.epoch !== epoch || revision > position.revision) return undefined
      if (revision === position.revision) return { position, touched: [] }
      const oldest = file.statement('SELECT min(revision) AS oldest FROM changes').get()?.['oldest']
      if (typeof oldest !== 'number' || oldest > revision + 1) return undefined
      const touched = file
        .statement(
          `SELECT changed.key, instances.document
           FROM (SELECT DISTINCT key FROM changes WHERE revision > ? AND namespace = ?) AS changed
           LEFT JOIN instances ON instances.namespace = ? AND instances.key = changed.key`,
        )
        .all(revision, this.#namespace, this.#namespace)
        .map(valueOf)
      return { position, touched }
    })
  }

  follow(since: HistoryPosition): Promise<Changes | undefined> {
    return this.#follower.follow(since)
  }

  unfollow(): void {
    this.#follower.unfollow()
  }

  sweep(): void {
    this.#sweep()
  }

  probe(): void {
    this.#write(() => {})
  }

  describe(): ReturnType<StoreApi['describe']> {
    return this.#file.read((file) => {
      const row = file
        .statement(
          `SELECT sqlite_version() AS version, (SELECT count(*) FROM sessions) AS sessions,
             (SELECT page_count * page_size FROM pragma_page_count, pragma_page_size) AS bytes`,
        )
        .get()
      return {
        sqliteVersion: String(row?.['version']),
        bytes: Number(row?.['bytes']),
        sessions: Number(row?.['sessions']),
      }
    })
  }

  [Symbol.dispose](): void {
    this.unfollow()
    this.#file[Symbol.dispose]()
  }

  /** Every write first ends sessions whose ttl ran out, so that none of them writes again. */
  #write<T>(work: (file: OpenFile) => T): T {
    try {
      const result = this.#file.write((file) => {
        this.#sessions.expire(file)
        const value = work(file)
        file
          .statement(
            `DELETE FROM changes WHERE revision <=
               (SELECT seq FROM sqlite_sequence WHERE name = 'changes') - ${keptChanges}`,
          )
          .run()
        return value
      })
      this.#sessions.unblocked()
      return result
    } catch (error) {
      this.#sessions.blocked()
      throw error
    }
  }

  /** Ends expired sessions; returns those that it could not end because the file cannot be written. */
  #sweep(): ReadonlySet<string> {
    const expired = this.#file.read((file) => this.#sessions.expired(file))
    if (expired.size === 0) return none
    try {
      this.#write((file) => this.#sessions.endExpired(file))
      return none
    } catch (error) {
      if (!isUnwritable(failureOf(error))) throw error
      return this.#file.read((file) => this.#sessions.expiredWhileLocked(file))
    }
  }

  #findOne(file: OpenFile, key: string): StoredRecord | undefined {
    const row = file
      .statement(
        'SELECT key, document, session, revision FROM instances WHERE namespace = ? AND key = ?',
      )
      .get(this.#namespace, key)
    return row && recordOf(row)
  }

  #writeOne(
    file: OpenFile,
    session: string | null,
    { key, document, expected }: Write,
  ): WriteResult {
    let stored = this.#findOne(file, key)
    const owner = stored?.revision === expected ? null : stored?.session
    // the record of a dead process ends with its session, so its claim is not compared
    if (owner && this.#sessions.endIfExpired(file, owner)) stored = undefined
    if ((stored?.revision ?? 0) !== expected) return 'changed'
    if (document === undefined) {
      file
        .statement('DELETE FROM instances WHERE namespace = ? AND key = ?')
        .run(this.#namespace, key)
      return { revision: 0 }
    }
    file
      .statement(
        `INSERT INTO instances (namespace, key, document, session) VALUES (?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET document = excluded.document, session = excluded.session`,
      )
      .run(this.#namespace, key, document, session)
    return { revision: this.#positionOf(file).revision }
  }

  #positionOf(file: OpenFile): HistoryPosition {
    const row = file.statement(`SELECT seq FROM sqlite_sequence WHERE name = 'changes'`).get()
    return { epoch: file.epoch, revision: Number(row?.['seq'] ?? 0) }
  }
}
