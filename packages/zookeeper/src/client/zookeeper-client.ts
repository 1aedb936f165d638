import type { KeptSession } from '@sd/core/driver'
import type { ZooKeeperError } from './zookeeper-error.ts'

/**
 * A ZooKeeper client as the driver needs it: one session on one connection at a time.
 */
export interface ZooKeeperClient extends RecentOperations {
  /** Hexadecimal, as ZooKeeper's own tools show it. Empty before `connect` has resolved. */
  readonly sessionId: string
  /** The timeout that the server granted. */
  readonly sessionTimeoutMs: number
  readonly state: ClientState
  /** `host:port` of the server that it is connected to; empty without one. */
  readonly server: string
  readonly lastSeen: LastSeen
  /** For how long the server has sent nothing while a request waits for its answer; 0 if none does. */
  readonly unansweredMs: number
  /** The session in the worker thread of `heartbeat: 'worker'`, from the first connection on. */
  readonly kept?: KeptSession | undefined
  /**
   * Aborts once the session has ended for good: the server said so, it refused the credentials, or
   * by the local clock no server can have kept the session (disconnected for longer than the
   * session's timeout). Its reason is a `ZooKeeperError`: `SESSION_EXPIRED` or `AUTH_FAILED` if the
   * server said so, `OPERATION_TIMEOUT` by the local clock.
   */
  readonly ended: AbortSignal

  /**
   * Establishes the session; tries every host at least once. Called once. A client whose `connect`
   * has rejected has released everything, and cannot be used again.
   */
  connect(signal: AbortSignal): Promise<void>
  /** Calls `listener` at every change of state, in order. Returns a function that stops it. */
  onState(listener: (state: ClientState) => void): () => void
  /**
   * Drops the current connection at once, and reconnects the same session to another member if there
   * is one. Requests in flight fail with `CONNECTION_LOSS`.
   */
  reconnect(): void

  // Every call settles at once when its signal aborts (with the signal's reason), and rejects with
  // a `ZooKeeperError` otherwise. Nothing is queued: a call without a connection fails with
  // `CONNECTION_LOSS`. A write that fails with `CONNECTION_LOSS` after it was sent has an unknown
  // outcome. The number of `get`, `children` and `exists` with a watch in flight is limited to 64; no
  // other call waits for them, so an `exists` without a watch is a good heartbeat.

  create(path: string, data: Uint8Array, kind: NodeKind, signal: AbortSignal): Promise<void>
  /** `version` is compared exactly, also 0; -1 matches any version. */
  set(path: string, data: Uint8Array, version: number, signal: AbortSignal): Promise<NodeStat>
  delete(path: string, version: number, signal: AbortSignal): Promise<void>
  get(path: string, signal: AbortSignal, watch?: NodeListener): Promise<NodeData>
  /** `undefined` if there is no node. The watch is then set for its creation. */
  exists(path: string, signal: AbortSignal, watch?: NodeListener): Promise<NodeStat | undefined>
  children(path: string, signal: AbortSignal, watch?: NodeListener): Promise<NodeChildren>
  /**
   * All or nothing. Resolves with the version of each node that was created or set, in the order of the
   * operations; `undefined` for a deletion and a check. Rejects with the error of the operation that failed,
   * and its index in `failedAt`.
   */
  multi(
    operations: readonly MultiOperation[],
    signal: AbortSignal,
  ): Promise<readonly (number | undefined)[]>

  /**
   * Ends the session on the server if it can be reached before the signal aborts, and releases
   * socket and timers in any case. May be called in any state, and again: after an end that no
   * server has confirmed it rejects with `CONNECTION_LOSS`.
   */
  close(signal: AbortSignal): Promise<void>
}

/**
 * The operations that servers have since ZooKeeper 3.6. An older server answers each of them with
 * `UNIMPLEMENTED`, and ends the connection.
 */
interface RecentOperations {
  /**
   * Reads up to `maxReadsInBatch` nodes with one request; more are refused with `BAD_ARGUMENTS`.
   * Resolves with one outcome for each, in order: some may be refused while others succeed. The
   * server reads one node after the other, so writes may come in between. Sets no watch.
   * At most `maxBatchesInFlight` are sent at once; the others wait, and no other call waits for them.
   */
  multiRead(reads: readonly ReadOperation[], signal: AbortSignal): Promise<readonly ReadOutcome[]>
  /** The paths of the ephemeral nodes of this session that begin with `prefix`. */
  ephemerals(prefix: string, signal: AbortSignal): Promise<readonly string[]>
  /**
   * Watches the node at `path` and all nodes below it, until `removeWatches` or until the connection
   * is lost. `path` need not exist. Events come before the answers of reads that contain the change.
   * Each path has one listener: another call replaces it. A server before 3.9 confuses this watch
   * with a one-shot watch on the same path (ZOOKEEPER-4466); one-shot watches below it are safe.
   */
  addWatch(path: string, listener: TreeListener, signal: AbortSignal): Promise<void>
  /**
   * Ends every watch that this connection has on the node at `path` itself, one-shot or recursive.
   * Their listeners are not called any more. Resolves as well if there is none.
   */
  removeWatches(path: string, signal: AbortSignal): Promise<void>
}

/** How many nodes one `multiRead` may read: their answers then always fit into one packet. */
export const maxReadsInBatch = 64

/** How many requests of `multiRead` are in flight at once. */
export const maxBatchesInFlight = 16

/** One read of a `multiRead`. */
export interface ReadOperation {
  readonly type: 'get' | 'children'
  readonly path: string
}

/** The result of one read of a `multiRead`: `error` is `NO_NODE`, `NO_AUTH` … */
export type ReadOutcome =
  | ({ readonly type: 'get' } & NodeData)
  | { readonly type: 'children'; readonly names: readonly string[] }
  | { readonly type: 'refused'; readonly error: ZooKeeperError }

/**
 * Called for each change of the watched tree, in the server's order, and once with `lost` when the
 * connection was lost: later changes have to be read again. A creation or deletion is reported for
 * the node itself, and not for the node above it.
 */
export type TreeListener = (event: TreeEvent) => void

/** A change of a node in a watched tree. */
export type TreeEvent =
  | { readonly type: 'created' | 'deleted' | 'changed'; readonly path: string }
  | { readonly type: 'lost' }

/** What the servers did last. */
export interface LastSeen {
  /** For error messages. */
  readonly text: string
  /** For how long nothing was received over the connection; `Infinity` without one. */
  readonly silentMs: number
}

/** `disconnected`: the session may live on, and the client is looking for a server. */
export type ClientState = 'connecting' | 'connected' | 'disconnected' | 'ended'

export type NodeKind = 'persistent' | 'ephemeral'

/**
 * One-shot. Called with the node's event, or with `lost` when the connection was lost: no watch
 * outlives its connection, and later changes have to be read again. One event calls a function only
 * once, even if it ends several of the function's watches.
 */
export type NodeListener = (event: NodeEvent) => void
export type NodeEvent = 'created' | 'deleted' | 'changed' | 'children' | 'lost'

/** A node's metadata; 64-bit numbers as bigint. */
export interface NodeStat {
  readonly createdZxid: bigint
  readonly modifiedZxid: bigint
  /** Of the last change to its children. */
  readonly childrenZxid: bigint
  /** The version of its data: 0 when it is created, also when it is created again. */
  readonly version: number
  readonly childrenVersion: number
  /** The session that an ephemeral node belongs to, hexadecimal; empty for a persistent one. */
  readonly ephemeralOwner: string
  readonly childCount: number
}

export interface NodeData {
  readonly data: Uint8Array
  readonly stat: NodeStat
}

export interface NodeChildren {
  readonly names: readonly string[]
  readonly stat: NodeStat
}

export type MultiOperation =
  | {
      readonly type: 'create'
      readonly path: string
      readonly data: Uint8Array
      readonly kind: NodeKind
    }
  | {
      readonly type: 'set'
      readonly path: string
      readonly data: Uint8Array
      readonly version: number
    }
  | { readonly type: 'delete' | 'check'; readonly path: string; readonly version: number }
