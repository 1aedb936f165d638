import type { DriverEvent } from '@sd/core/driver'
import type { Failure } from './failure.ts'

/** A record as the file keeps it. Keys are relative to the namespace. */
export interface StoredRecord {
  readonly key: string
  readonly document: Uint8Array
  /** The session it disappears with; `null` when it stays until somebody removes it. */
  readonly session: string | null
  /** Of the change that wrote it. */
  readonly revision: number
}

/** A position in one history. A file that is created again has another epoch. */
export interface HistoryPosition {
  readonly epoch: string
  readonly revision: number
}

/** One record to write, or with no document to remove, if it still has the revision last seen. */
export interface Write {
  readonly key: string
  readonly document: Uint8Array | undefined
  /** 0: there must be no record. */
  readonly expected: number
}

/** What became of a `Write`: done, at that revision (0 for a removal), or the expected revision was wrong. */
export type WriteResult = { readonly revision: number } | 'changed'

/** What is stored at a key. */
export interface StoredValue {
  readonly key: string
  /** `undefined`: no record, or the reading asked for keys alone. */
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

/** What the store does for one namespace. Everything is synchronous, and one transaction. */
export interface StoreApi {
  openSession(id: string, ttlMs: number): void
  /** A heartbeat; false when the session is gone. */
  renewSession(id: string): boolean
  /** Ends a session, and removes what is tied to it. */
  closeSession(id: string): void
  /** Writes under a session (`null`: under none); `undefined` when the session is gone. */
  write(session: string | null, writes: readonly Write[]): readonly WriteResult[] | undefined
  /** Removes records of any session. */
  remove(writes: readonly Write[]): readonly WriteResult[]
  find(keys: readonly string[]): readonly (StoredRecord | undefined)[]
  /** All keys that begin with `prefix`, with their documents or without. */
  read(prefix: string, documents: boolean): Reading
  /** For each prefix, whether any key begins with it. */
  exist(prefixes: readonly string[]): readonly boolean[]
  /** What changed since; `undefined` when not all of that history is kept. Also ends expired sessions. */
  changesSince(since: HistoryPosition): Changes | undefined
  /** Whether the file can be written. */
  probe(): void
  describe(): { readonly sqliteVersion: string; readonly bytes: number; readonly sessions: number }
}

/** What the store's thread is started with. */
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
