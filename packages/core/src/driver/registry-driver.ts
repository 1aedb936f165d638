import type { Claim } from '../model/claim.ts'
import type { InstanceRecord, RecordKey, SkippedRecord } from '../model/instance-record.ts'
import type { ServiceInstance } from '../model/service-instance.ts'
import type { RegistryError } from '../registry-error.ts'

declare const cursorBrand: unique symbol

/** A place in a backend's history to resume from. Opaque to core; may be kept on disk. */
export type Cursor = string & { readonly [cursorBrand]: true }

/** Marks a driver's own string as a cursor. */
export const toCursor = (value: string): Cursor => value as Cursor

/** What is read or observed: the instances of one service, the names of all services, or every instance. */
export type Scope =
  | { readonly service: string }
  | { readonly services: true }
  | { readonly all: true }

/**
 * What a read returns. For the scope `{ services: true }` only `services` is read: the names of the
 * services with a record, readable or not.
 */
export interface Contents {
  readonly records: readonly InstanceRecord[]
  readonly skipped: readonly SkippedRecord[]
  readonly services?: readonly string[]
  readonly cursor?: Cursor
}

/**
 * To be called whenever another part of a long read has arrived. The deadline of the read counts from
 * the last call on: a read over a slow link goes on while its connection makes progress.
 */
export type Progress = () => void

/**
 * What `observe` yields. A `snapshot` is the whole scope. `changes` lists the records written,
 * the keys removed and the keys that became unreadable since the observation before; for
 * `{ services: true }` drivers yield snapshots, or `changes` with `services` (those that appeared) and
 * `removedServices`. `alive` proves that the stream lives; its cursor, if any, moves the resume
 * point while nothing happens.
 */
export type Observation =
  | ({ readonly type: 'snapshot' } & Contents)
  | ({
      readonly type: 'changes'
      readonly removed: readonly RecordKey[]
      readonly removedServices?: readonly string[]
    } & Contents)
  | { readonly type: 'alive'; readonly cursor?: Cursor }

/** One instance to write. An owner's own record is always overwritten, in either mode. */
export interface PutRequest {
  readonly instance: ServiceInstance
  readonly claim: Claim
  /** `if-absent`: not over another owner's record. `if-newer`: also over one with a lower claim. */
  readonly mode: 'if-absent' | 'if-newer'
  /** The ttl of the session, as granted. Stored so that readers know how long an owner may be silent. */
  readonly ttlMs: number
  /** Wall clock, milliseconds since the epoch. */
  readonly registeredAtMs: number
}

/** The outcome of one `PutRequest`. `error`: this one was certainly not written. */
export type PutOutcome =
  | { readonly result: 'written'; readonly key: RecordKey }
  | { readonly result: 'conflict'; readonly holder?: Claim }
  | { readonly result: 'error'; readonly error: RegistryError }

/** Names a record by its owner, whichever session of that owner wrote it. */
export interface OwnedRef {
  readonly service: string
  readonly id: string
  readonly owner: string
}

/** The outcome of one removal. `not-ours`: another owner's record is stored there and was left alone. */
export type RemoveOutcome =
  | { readonly result: 'removed' | 'absent' | 'not-ours' }
  | { readonly result: 'error'; readonly error: RegistryError }

/** Whether a record is still stored as this session last wrote it. */
export interface Audit extends OwnedRef {
  /**
   * `ours`: as written, also by a write whose outcome was unknown. `missing`: no record.
   * `replaced`: another owner's record, or the owner's but not tied to this session. `edited`: the
   * owner's and tied to this session, with other content than it wrote.
   */
  readonly state: 'ours' | 'missing' | 'replaced' | 'edited'
  /** The stored record, for `replaced` and `edited`, if it can be read. */
  readonly record?: InstanceRecord
}

/**
 * What ties the records of a process to its life: an etcd lease, a ZooKeeper session, a set of
 * Consul TTL checks. No method retries. Each throws `RegistryError` only, and settles at once with
 * `signal.reason` when its signal aborts. All may be called at the same time.
 */
export interface DriverSession {
  /** Unique among the sessions of the backend. */
  readonly id: string
  /** Servers clamp what was asked for; every timer in core uses this. */
  readonly grantedTtlMs: number
  /** Aborts when the backend says that the session is gone. */
  readonly lost: AbortSignal
  /** One heartbeat. Throws `session-lost` when the backend does not know the session any more. */
  renew(signal: AbortSignal): Promise<void>
  /**
   * Writes at most `capabilities.maxBatch` instances, no key twice, and returns one outcome for
   * each, in order. Compares and writes in one step where `capabilities.atomicClaim` says so. Throws
   * when the batch failed as a whole: after `unavailable`, `timeout` or `internal` its outcome is unknown.
   * A write that arrives late must not undo a later one of this session: updates compare the
   * revision that was last seen. A late create cannot be told from a wanted one; core fences it by
   * closing the session.
   */
  put(requests: readonly PutRequest[], signal: AbortSignal): Promise<readonly PutOutcome[]>
  /** Removes records by owner, whichever session wrote them; never another owner's. One outcome for each. */
  remove(refs: readonly OwnedRef[], signal: AbortSignal): Promise<readonly RemoveOutcome[]>
  /** Compares what is stored with what this session last wrote. One answer for each. */
  audit(refs: readonly OwnedRef[], signal: AbortSignal): Promise<readonly Audit[]>
  /**
   * Everything that this session wrote, and that is still tied to it, disappears, and no write of
   * this session that is still on its way can succeed afterwards. Resolves also when the backend
   * no longer knows the session. May be called again after a failure.
   */
  close(signal: AbortSignal): Promise<void>
}

/** The outcome of an edit. `changed`: the record is no longer as it was read; read it again. */
export type EditOutcome = 'edited' | 'changed' | 'absent'

/**
 * What a backend can do. Core acts on the limits: `minTtlMs`, `maxTtlMs`, `maxBatch` and
 * `maxRecordBytes`. The other fields tell users what to expect (`registry.capabilities`) and the
 * contract suite what to check; core does the same whatever they say.
 */
export interface Capabilities {
  /** `linearizable`: a list sees every acknowledged write. `session`: it may lag behind other clients'. */
  readonly list: 'linearizable' | 'session'
  /** Claims are compared and written in one step. `false`: concurrent owners converge within a ttl. */
  readonly atomicClaim: boolean
  /** `observe` goes on from a cursor that it gave. `false`: every attach begins with a snapshot. */
  readonly resume: boolean
  /**
   * After a change the server sends only the records that changed. `false`: it sends every record of
   * the service again, and the driver or core finds out what changed.
   */
  readonly deltas: boolean
  /** The connection can be a TLS one. `false`: a configuration that asks for TLS is refused. */
  readonly tls: boolean
  /** Shortest ttl that a session can be opened with. A shorter one is refused before any I/O. */
  readonly minTtlMs: number
  /** Longest ttl; left out where there is no bound. */
  readonly maxTtlMs?: number
  /** Most instances in one `put`, `remove` or `audit`. */
  readonly maxBatch: number
  /** Largest encoded record, checked by core before any I/O. */
  readonly maxRecordBytes: number
}

/** What `diagnose` reports. */
export interface Diagnosis {
  readonly serverVersion: string
  /** Server clock minus ours, where the server tells its time. */
  readonly clockOffsetMs?: number
  /** Known limits of this server, in words. */
  readonly limits: readonly string[]
}

/**
 * One backend: a handful of methods that talk to one server and nothing else. Drivers never retry
 * failures, cache or wait; core does that for all of them. They throw `RegistryError` only, settle at
 * once with `signal.reason` on abort, and do no I/O before the first call.
 */
export interface RegistryDriver extends AsyncDisposable {
  readonly backend: string
  readonly capabilities: Capabilities
  openSession(options: { readonly ttlMs: number }, signal: AbortSignal): Promise<DriverSession>
  /**
   * Reads a scope. A read that comes in parts (pages, chunks of a body) calls `progress` for each: it
   * may then take longer than a call, and ends by silence.
   */
  list(scope: Scope, signal: AbortSignal, progress?: Progress): Promise<Contents>
  /**
   * Without a cursor the first observation is a snapshot; with one it is `changes` or `alive`
   * (proof that the stream is attached), or the iterator throws `cursor-expired` when the backend
   * cannot prove that it still has the same history. Never ends by itself: it throws. Attaches at
   * the latest when the first value is asked for. `progress` as for `list`, until the first value.
   */
  observe(
    scope: Scope,
    cursor: Cursor | undefined,
    signal: AbortSignal,
    progress?: Progress,
  ): AsyncIterable<Observation>
  /** A cheap round trip on the connection that carries the watches. */
  probe(signal: AbortSignal): Promise<void>
  /**
   * Changes a record in its owner's name: replaces it by `editedValue` in one step, if it is still the
   * one that was read, and leaves it tied to its owner's session. Left out where only the owner can
   * write (Consul's agents).
   */
  edit?(
    record: InstanceRecord,
    instance: ServiceInstance,
    signal: AbortSignal,
  ): Promise<EditOutcome>
  diagnose?(signal: AbortSignal): Promise<Diagnosis>
}
