import type { Observation } from '../driver/registry-driver.ts'
import type { InstanceRecord, SkippedRecord } from '../model/instance-record.ts'

/** A key's new value, or its removal with the ttl of its owner, if the record had one. */
export type Touch<T> =
  | { readonly value: T }
  | { readonly value: undefined; readonly ttlMs: number | undefined }

/** What an observation changed in a view. */
export type Touched<T> = ReadonlyMap<string, Touch<T>>

/** The backend's state of a scope, keyed for readers: by id, by service and id, or by name. */
export interface View<T> {
  /** Applies a snapshot or changes; returns only keys whose value really changed. */
  apply(observation: Exclude<Observation, { type: 'alive' }>): Touched<T>
  same(a: T, b: T): boolean
  /** The record that is served under `key`, in a view of instances. */
  record?(key: string): InstanceRecord | undefined
}

/** Called with every unreadable record. */
export type OnSkipped = (skipped: SkippedRecord) => void
