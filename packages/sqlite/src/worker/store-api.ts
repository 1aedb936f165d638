import type { DriverEvent } from '@sd/core/driver'
import type { Failure } from './failure.ts'

/** A stored record. Keys are relative to the namespace. */
export interface StoredRecord {
  readonly key: string
  readonly document: Uint8Array
  /** The session that the record ends with; `null` if it stays until it is removed. */
  readonly session: string | null
  /** The revision of the change that wrote it. */
  readonly revision: number
}

/** A position in one history. A file that is created again has another epoch. */
export interface HistoryPosition {
  readonly epoch: string
  readonly revision: number
}

/** Writes a record (without a document: removes it) if it still has the revision last read. */
export interface Write {
  readonly key: string
  readonly document: Uint8Array | undefined
  /** 0 means that no record may exist. */
  readonly expected: number
}

/** The result of a `Write`: its revision (0 for a removal), or a wrong expected revision. */
export type WriteResult = { readonly revision: number } | 'changed'

/** The stored state of a key. */
export interface StoredValue {
  readonly key: string
  /** `undefined` if there is no record, or if only keys were requested. */
  readonly document: Uint8Array | undefined
}

/** The present state of every key that changed after a position. */
export interface Changes {
  readonly position: HistoryPosition
  readonly touched: readonly StoredValue[]
}

/** A part of a namespace, at one position. */
export interface Reading {
  readonly position: HistoryPosition
  readonly records: readonly StoredValue[]
}

/** The store's calls for one namespace. All but `follow` are synchronous, and one transaction. */
export interface StoreApi {
  openSession(id: string, ttlMs: number): void
  /** Renews a session; false if it no longer exists. */
  renewSession(id: string): boolean
  /** Ends a session and removes its records. */
  closeSession(id: string): void
  /** Writes under a session, or none (`null`); `undefined` if the session no longer exists. */
  write(session: string | null, writes: readonly Write[]): readonly WriteResult[] | undefined
  /** Removes records of any session. */
  remove(writes: readonly Write[]): readonly WriteResult[]
  /** The keys of a session's records. */
  tiedTo(session: string): readonly string[]
  find(keys: readonly string[]): readonly (StoredRecord | undefined)[]
  /** The document that another session last wrote in place of each record of `session`. */
  replacedBy(session: string, keys: readonly string[]): readonly (Uint8Array | undefined)[]
  /** All keys that begin with `prefix`, with their documents or without. */
  read(prefix: string, documents: boolean): Reading
  /** For each prefix, whether any key begins with it. */
  exist(prefixes: readonly string[]): readonly boolean[]
  /** The changes since; `undefined` if not all of them are kept. */
  changesSince(since: HistoryPosition): Changes | undefined
  /**
   * Waits for the next changes since; without any after `unfollow`, another `follow`, or many changes
   * of other namespaces. `undefined` if not all of them are kept. Meanwhile it sweeps.
   */
  follow(since: HistoryPosition): Promise<Changes | undefined>
  unfollow(): void
  /** Ends expired sessions; checks the process of each session. */
  sweep(): void
  /** Whether the file can be written. */
  probe(): void
  describe(): { readonly sqliteVersion: string; readonly bytes: number; readonly sessions: number }
}

/** The start parameters of the store's thread. */
export interface StoreOptions {
  readonly path: string
  readonly namespace: string
}

/** From the driver to the thread. */
export type StoreRequest =
  | { readonly id: number; readonly method: keyof StoreApi; readonly args: readonly unknown[] }
  | 'close'

/** From the thread to the driver. */
export type StoreReply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly failure: Failure }
  | { readonly report: DriverEvent }
