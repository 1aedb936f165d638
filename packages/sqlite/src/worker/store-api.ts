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

/** A place in one history. A file that is made anew has another epoch. */
export interface Place {
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

/** What stands at a key, if anything does and if it was asked for. */
export interface Present {
  readonly key: string
  readonly document: Uint8Array | undefined
}

/** The present state of every key that was touched after a place. */
export interface Changes {
  readonly place: Place
  readonly touched: readonly Present[]
}

/** Part of a namespace, at one place. */
export interface Reading {
  readonly place: Place
  readonly records: readonly Present[]
}

/** What the store does for one namespace. Everything is synchronous, and one transaction. */
export interface StoreApi {
  openSession(id: string, ttlMs: number): void
  /** A heartbeat. False when there is no such session any more. */
  renewSession(id: string): boolean
  /** Ends a session, and removes what is tied to it. */
  closeSession(id: string): void
  /** Writes under a session, or `null` for none; `undefined` when it is gone. */
  write(session: string | null, writes: readonly Write[]): readonly WriteResult[] | undefined
  /** Removes, whatever session wrote it. */
  remove(writes: readonly Write[]): readonly WriteResult[]
  find(keys: readonly string[]): readonly (StoredRecord | undefined)[]
  /** All keys that begin with `prefix`; without documents where nobody reads them. */
  read(prefix: string, documents: boolean): Reading
  /** For each prefix, whether any key begins with it. */
  present(prefixes: readonly string[]): readonly boolean[]
  /** What happened since; `undefined` when not all of that history is kept. Also sweeps. */
  follow(since: Place): Changes | undefined
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
