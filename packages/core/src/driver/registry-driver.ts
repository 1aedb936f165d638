import type { Claim } from '../model/claim.ts'
import type { InstanceRecord, RecordKey, SkippedRecord } from '../model/instance-record.ts'
import type { ServiceInstance } from '../model/service-instance.ts'
import type { RegistryError } from '../registry-error.ts'

declare const cursorBrand: unique symbol

/** A position in a backend's history to resume from. Opaque to core; may be stored on disk. */
export type Cursor = string & { readonly [cursorBrand]: true }

/** Marks a driver's own string as a cursor. */
export const toCursor = (value: string): Cursor => value as Cursor

/** What to read or observe: the instances of one service, the names of all services, or all instances. */
export type Scope =
  | { readonly service: string }
  | { readonly services: true }
  | { readonly all: true }

/**
 * The result of a read. For the scope `{ services: true }` core uses only `services`: the names of
 * the services with a record, readable or not.
 */
export interface Contents {
  readonly records: readonly InstanceRecord[]
  readonly skipped: readonly SkippedRecord[]
  readonly services?: readonly string[]
  readonly cursor?: Cursor
}

/**
 * Must be called whenever another part of a long read has arrived. Each call restarts the deadline
 * of the read, so a read over a slow link continues while its connection makes progress.
 */
export type Progress = () => void

/**
 * What `observe` yields. A `snapshot` is the whole scope. `changes` lists the records written,
 * the keys removed and the keys that became unreadable since the previous observation. For
 * `{ services: true }` drivers yield snapshots, or `changes` with `services` (those added) and
 * `removedServices`. `alive` proves that the stream works; its cursor, if any, advances the resume
 * point while nothing changes.
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
  /** `if-absent`: never replaces another owner's record. `if-newer`: replaces one with a lower claim. */
  readonly mode: 'if-absent' | 'if-newer'
  /** The granted ttl of the session. Stored so that readers know how long an owner may be silent. */
  readonly ttlMs: number
  /** Wall clock, milliseconds since the epoch. */
  readonly registeredAtMs: number
  /** Fields of the record that another version wrote; the format encodes them as they are. */
  readonly unknownFields?: Readonly<Record<string, unknown>>
}

/** The outcome of one `PutRequest`. `error`: this record was definitely not written. */
export type PutOutcome =
  | { readonly result: 'written'; readonly key: RecordKey }
  | { readonly result: 'conflict'; readonly holder?: Claim }
  | { readonly result: 'error'; readonly error: RegistryError }

/** Identifies a record by its owner, whichever session of that owner wrote it. */
export interface OwnedRef {
  readonly service: string
  readonly id: string
  readonly owner: string
}

/** The outcome of one removal. `not-ours`: another owner's record is stored and was not removed. */
export type RemoveOutcome =
  | { readonly result: 'removed' | 'absent' | 'not-ours' }
  | { readonly result: 'error'; readonly error: RegistryError }

/** Whether a record is still stored as this session last wrote it. */
export interface Audit extends OwnedRef {
  /**
   * `ours`: as written, even by a write whose outcome was unknown. `missing`: no record.
   * `replaced`: another owner's record, or this owner's record tied to another session. `edited`:
   * this owner's record, tied to this session, with content that the session did not write.
   */
  readonly state: 'ours' | 'missing' | 'replaced' | 'edited'
  /** The stored record, for `replaced` and `edited`, if it can be read. */
  readonly record?: InstanceRecord
  /**
   * Of `replaced`: a program that writes no claims has replaced the record. It will not yield, so the
   * registration is superseded.
   */
  readonly foreign?: boolean
}

/**
 * Ties the records of a process to its lifetime: an etcd lease, a ZooKeeper session, a set of
 * Consul TTL checks. Core repeats failed calls. Each throws `RegistryError` only, and rejects at once with
 * `signal.reason` when its signal aborts. All may be called concurrently.
 */
export interface DriverSession {
  /** Unique among the sessions of the backend. */
  readonly id: string
  /** The ttl that the server granted, possibly clamped; every timer in core uses it. */
  readonly grantedTtlMs: number
  /** Aborts when the backend reports that the session has ended. */
  readonly lost: AbortSignal
  /**
   * Names the function to call when a part of this session has ended on the server while the session
   * goes on: records of it may be gone. Core then audits at once. Omitted where a session ends as a
   * whole.
   */
  onPartLost?(listener: () => void): void
  /**
   * When the last acknowledged heartbeat was sent, on the monotonic clock of the driver's context, by
   * whichever thread. Omitted where only `renew` sends heartbeats. `HeartbeatWorker.hold` adds it.
   */
  renewedMs?(): number
  /** Sends one heartbeat. Throws `session-lost` when the backend no longer knows the session. */
  renew(signal: AbortSignal): Promise<void>
  /**
   * Writes at most `capabilities.maxBatch` instances, no key twice, and returns one outcome for
   * each, in order. Compares and writes atomically where `capabilities.atomicClaim` is set. Throws
   * when the batch failed as a whole: after `unavailable`, `timeout` or `internal` its outcome is
   * unknown. A write that arrives late must not undo a later one of this session: updates compare
   * the last seen revision. A late create cannot be distinguished from a wanted one; core fences it
   * by closing the session.
   */
  put(requests: readonly PutRequest[], signal: AbortSignal): Promise<readonly PutOutcome[]>
  /** Removes records by owner, whichever of its sessions wrote them. Returns one outcome for each. */
  remove(refs: readonly OwnedRef[], signal: AbortSignal): Promise<readonly RemoveOutcome[]>
  /** Compares the stored records with what this session last wrote. Returns one audit for each. */
  audit(refs: readonly OwnedRef[], signal: AbortSignal): Promise<readonly Audit[]>
  /**
   * Removes every record that is tied to this session although the session did not write it, or has
   * removed it since: a server that was restored from a backup has such records, and each renewal
   * would keep them. Returns their keys. Core calls it with each audit. Omitted where a session does
   * not survive such a restore.
   */
  removeStrays?(signal: AbortSignal): Promise<readonly RecordKey[]>
  /**
   * Removes every record that is still tied to this session. No write of this session that is still
   * in flight can succeed afterwards. Also resolves when the backend no longer knows the session.
   * May be called again after a failure.
   */
  close(signal: AbortSignal): Promise<void>
}

/** The outcome of an edit. `changed`: the record has changed since it was read; read it again. */
export type EditOutcome = 'edited' | 'changed' | 'absent'

/**
 * What a backend supports. Core enforces the limits: `minTtlMs`, `maxTtlMs`, `maxBatch` and
 * `maxRecordBytes`. The other fields inform users (`registry.capabilities`) and the contract suite;
 * core behaves the same whatever their values.
 */
export interface Capabilities {
  /** `linearizable`: a list sees every acknowledged write. `session`: it may lag behind other clients'. */
  readonly list: 'linearizable' | 'session'
  /** Claims are compared and written atomically. `false`: concurrent owners converge within a ttl. */
  readonly atomicClaim: boolean
  /** `observe` resumes from its own cursors. `false`: every attach begins with a snapshot. */
  readonly resume: boolean
  /**
   * After a change the server sends only the changed records. `false`: it sends every record of the
   * service again, and the driver or core computes the difference.
   */
  readonly deltas: boolean
  /** Whether connections can use TLS. `false`: a configuration that asks for TLS is refused. */
  readonly tls: boolean
  /** The shortest ttl of a session. A shorter one is refused before any I/O. */
  readonly minTtlMs: number
  /** The longest ttl of a session; omitted where there is no bound. */
  readonly maxTtlMs?: number
  /** The maximum number of instances in one `put`, `remove` or `audit`. */
  readonly maxBatch: number
  /** The size of the largest encoded record, checked by core before any I/O. */
  readonly maxRecordBytes: number
}

/** What `diagnose` reports. */
export interface Diagnosis {
  readonly serverVersion: string
  /** Server clock minus local clock, where the server reports its time. */
  readonly clockOffsetMs?: number
  /** Known limits of this server, in words. */
  readonly limits: readonly string[]
}

/**
 * Where a backend stores a document. `value`: as the value of its key. `consul-service`: the document
 * is the JSON of the fields `Tags`, `Meta`, `Address`, `Port` and `TaggedAddresses` of a service of a
 * Consul agent, and `Notes`, those of its check: a text that no reader of another program looks at. A
 * record without `Notes` is one of another program.
 */
export type FormatCarrier = 'value' | 'consul-service'

/**
 * One backend: a small set of methods that only talk to one server. Core retries failed calls, attaches
 * watches again and keeps the last known state, for all drivers alike. They throw `RegistryError` only, reject at once
 * with `signal.reason` on abort, and do no I/O before the first call.
 */
export interface RegistryDriver extends AsyncDisposable {
  readonly backend: string
  readonly capabilities: Capabilities
  /**
   * The servers that it connects to, for messages: a URL or `host:port` each, without credentials.
   * Omitted where there is no server.
   */
  readonly servers?: readonly string[]
  /**
   * What its connections last saw of the servers, for the message of a call that got no answer: that one
   * refuses connections, hangs up, or is silent, or that it answered other calls meanwhile. `undefined`
   * where nothing is known. Without credentials; does no I/O.
   */
  lastSeen?(): string | undefined
  /** Where it can store the documents of a format; core refuses formats of another carrier. Default `value`. */
  readonly carriers?: readonly FormatCarrier[]
  openSession(options: { readonly ttlMs: number }, signal: AbortSignal): Promise<DriverSession>
  /**
   * Reads a scope. A read that arrives in parts (pages, chunks of a body) calls `progress` for each
   * part. Such a read may exceed the deadline of one call and times out only when no part arrives.
   */
  list(scope: Scope, signal: AbortSignal, progress?: Progress): Promise<Contents>
  /**
   * Without a cursor the first observation is a snapshot. With one it is `changes` or `alive`
   * (proof that the stream is attached), or the iterator throws `cursor-expired` when the backend
   * cannot prove that it still has the same history. The iterator never completes; it throws.
   * Attaches on the first `next` at the latest. `progress` as for `list`, until the first value.
   */
  observe(
    scope: Scope,
    cursor: Cursor | undefined,
    signal: AbortSignal,
    progress?: Progress,
  ): AsyncIterable<Observation>
  /** Makes a cheap round trip on the connection that carries the watches. */
  probe(signal: AbortSignal): Promise<void>
  /**
   * Edits a record in its owner's name: atomically replaces it by `editedValue` if it is unchanged
   * since it was read, and leaves it tied to its owner's session. Omitted where only the owner can
   * write (Consul's agents).
   */
  edit?(
    record: InstanceRecord,
    instance: ServiceInstance,
    signal: AbortSignal,
  ): Promise<EditOutcome>
  diagnose?(signal: AbortSignal): Promise<Diagnosis>
}
