import { type Clock, createDriverContext, type Random } from '@sd/core/driver'
import { type Commit, History } from './history.ts'
import { Keyspace, type StoredRecord } from './keyspace.ts'
import { MemoryServer } from './memory-server.ts'
import { SessionTable, type StoredSession } from './session-table.ts'

/** Options of a `MemoryStore`. Every field is optional. */
export interface MemoryStoreOptions {
  /** The number of changes to keep for cursors; older cursors expire. Default 10,000. */
  readonly historySize?: number | undefined
  /** The shortest granted ttl in milliseconds; shorter ones are raised to it. Default 1. */
  readonly minTtlMs?: number | undefined
  /** Creates session ids and epochs. Default: the system's random source. */
  readonly random?: Random | undefined
}

/** One write of a transaction: `value` undefined removes the record. */
export interface Write {
  readonly key: string
  readonly value: Uint8Array | undefined
  readonly sessionId?: string | undefined
}

/**
 * The data that the drivers of one process share, in place of a server's. Every registry with the
 * same store sees the same instances. The methods are for drivers and `MemoryFaults`; an
 * application only creates a store and passes it on.
 */
export class MemoryStore {
  readonly minTtlMs: number
  /** The simulated server process of this data, with its network. */
  readonly server: MemoryServer
  readonly sessions: SessionTable = new SessionTable(({ namespace, keys }) =>
    this.#removeAll(namespace, keys),
  )
  readonly #historySize: number
  readonly #random: Random
  readonly #keyspaces = new Map<string, Keyspace>()
  readonly #listeners = new Map<string, Set<(commit: Commit) => void>>()
  #history: History
  #epoch: string
  #revision = 0
  #version = 0

  constructor(options: MemoryStoreOptions = {}) {
    this.#historySize = options.historySize ?? 10_000
    this.minTtlMs = options.minTtlMs ?? 1
    this.#random = options.random ?? createDriverContext().random
    this.#history = new History(this.#historySize)
    this.#epoch = this.#random.id(12)
    this.server = new MemoryServer(this)
  }

  /** Identifies this history. Random, because revisions restart in each history and process. */
  get epoch(): string {
    return this.#epoch
  }

  /** Counts the transactions of this history in all namespaces. */
  get revision(): number {
    return this.#revision
  }

  get(namespace: string, key: string): StoredRecord | undefined {
    return this.#keyspaces.get(namespace)?.get(key)
  }

  /** The records whose key begins with `prefix`; the empty prefix means all of the namespace. */
  under(namespace: string, prefix: string): Iterable<StoredRecord> {
    return this.#keyspaces.get(namespace)?.under(prefix) ?? []
  }

  /**
   * Applies all writes as one transaction, and calls the namespace's subscribers in the same step.
   * Returns the version of what it wrote.
   */
  commit(namespace: string, writes: readonly Write[]): number {
    if (writes.length === 0) return this.#version
    const keyspace = this.#keyspaces.get(namespace) ?? new Keyspace()
    this.#keyspaces.set(namespace, keyspace)
    this.#revision += 1
    this.#version += 1
    const changes = writes.map((write) => ({
      key: write.key,
      existedBefore: this.#write(keyspace, write),
    }))
    const commit = { namespace, revision: this.#revision, changes }
    this.#history.add(commit)
    for (const listener of this.#listeners.get(namespace) ?? []) listener(commit)
    return this.#version
  }

  /** The transactions of `namespace` after `revision`; `undefined` if some were discarded. */
  commitsSince(namespace: string, revision: number): readonly Commit[] | undefined {
    return this.#history.since(revision)?.filter((commit) => commit.namespace === namespace)
  }

  /** Calls `listener` in every transaction of `namespace` until the returned function is called. */
  subscribe(namespace: string, listener: (commit: Commit) => void): () => void {
    const listeners = this.#listeners.get(namespace) ?? new Set()
    this.#listeners.set(namespace, listeners.add(listener))
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0) this.#listeners.delete(namespace)
    }
  }

  /** Opens a session timed by `clock`, and returns its id. */
  openSession(namespace: string, ttlMs: number, clock: Clock): string {
    const id = this.#random.id(12)
    this.sessions.add({ id, namespace, ttlMs, clock })
    return id
  }

  /** Ends a session and removes its records in one transaction. Does nothing if it is gone. */
  endSession(id: string): void {
    const session = this.sessions.delete(id)
    if (session) this.#removeAll(session.namespace, session.keys)
  }

  /** Discards the changes, but no records: every cursor except the present one expires. */
  forgetHistory(): void {
    this.#history.forget()
  }

  /** Starts a new, empty history, as if the server's disk had been replaced. */
  wipe(): void {
    this.sessions.clear()
    this.#keyspaces.clear()
    this.#history = new History(this.#historySize)
    this.#epoch = this.#random.id(12)
    this.#revision = 0
  }

  /**
   * Backs up the present records and sessions. The returned function restores them under a new
   * history, so that earlier cursors expire.
   */
  backUp(): () => void {
    const namespaces = Array.from(this.#keyspaces, ([namespace, keyspace]) => ({
      namespace,
      records: [...keyspace.under('')],
    }))
    const sessions = this.sessions.ids().flatMap((id) => this.sessions.get(id) ?? [])
    return () => {
      this.wipe()
      for (const { id, namespace, ttlMs, clock } of sessions)
        this.sessions.add({ id, namespace, ttlMs, clock })
      for (const { namespace, records } of namespaces) this.commit(namespace, records)
    }
  }

  #write(keyspace: Keyspace, { key, value, sessionId }: Write): boolean {
    const before = keyspace.get(key)
    const holder = this.#session(before?.sessionId)
    holder?.keys.delete(key)
    if (value === undefined) keyspace.delete(key)
    else {
      keyspace.set({ key, value, sessionId, version: this.#version })
      holder?.replaced.set(key, value)
      const writer = this.#session(sessionId)
      writer?.keys.add(key)
      writer?.replaced.delete(key)
    }
    return before !== undefined
  }

  #session(id: string | undefined): StoredSession | undefined {
    return id === undefined ? undefined : this.sessions.get(id)
  }

  #removeAll(namespace: string, keys: Iterable<string>): void {
    this.commit(
      namespace,
      Array.from(keys, (key) => ({ key, value: undefined })),
    )
  }
}

const namedStores = new Map<string, MemoryStore>()

/** Returns the given store, or the process-wide one of that name, created on first use. */
export const resolveStore = (store: MemoryStore | string = 'default'): MemoryStore => {
  if (typeof store !== 'string') return store
  const named = namedStores.get(store) ?? new MemoryStore()
  namedStores.set(store, named)
  return named
}
