/**
 * A ZooKeeper client as the driver needs it: one session on one connection at a time. The client
 * library is behind this port, in `node-zookeeper-client.ts`; a wire client of our own could replace it.
 */
export interface ZooKeeperClient {
  /** Hexadecimal, as ZooKeeper's own tools show it. Empty before `connect` has resolved. */
  readonly sessionId: string
  /** What the server granted. */
  readonly sessionTimeoutMs: number
  readonly state: ClientState
  /**
   * Aborts once the session is gone for good: the server said so, the credentials were refused,
   * or our own clock says that no server can have kept it (disconnected for longer than the
   * session's timeout). Its reason is a `ZooKeeperError`: `SESSION_EXPIRED` or `AUTH_FAILED` where
   * the server said so, `OPERATION_TIMEOUT` where it is our own clock that says so.
   */
  readonly ended: AbortSignal

  /**
   * Establishes the session; tries every host once at the least. Called once. A client whose
   * `connect` has rejected has released everything, and cannot be used again.
   */
  connect(signal: AbortSignal): Promise<void>
  /** Calls back at every change of state, in order. Returns what ends that. */
  onState(listener: (state: ClientState) => void): () => void
  /**
   * Drops the present connection, at once, and reconnects the same session to another member if
   * there is one. What is in flight fails with `CONNECTION_LOSS`.
   */
  reconnect(): void

  // Every call settles at once when its signal aborts (with the signal's reason), and rejects with
  // a `ZooKeeperError` otherwise. Nothing is queued: a call while there is no connection fails
  // with `CONNECTION_LOSS`. A write that fails with `CONNECTION_LOSS` after it was sent has an
  // unknown outcome. `get`, `children` and an `exists` with a watch wait for each other when there
  // are many; no other call waits for them, so an `exists` without a watch is a good heartbeat.

  create(path: string, data: Uint8Array, kind: NodeKind, signal: AbortSignal): Promise<void>
  /** `version` is compared exactly, 0 included; -1 is any. */
  set(path: string, data: Uint8Array, version: number, signal: AbortSignal): Promise<NodeStat>
  delete(path: string, version: number, signal: AbortSignal): Promise<void>
  get(path: string, signal: AbortSignal, watch?: NodeListener): Promise<NodeData>
  /** `undefined` where there is no node. The watch is then set for its creation. */
  exists(path: string, signal: AbortSignal, watch?: NodeListener): Promise<NodeStat | undefined>
  children(path: string, signal: AbortSignal, watch?: NodeListener): Promise<NodeChildren>
  /** All or nothing. Rejects with the error of the operation that failed, and its index in `failedAt`. */
  multi(operations: readonly MultiOperation[], signal: AbortSignal): Promise<void>

  /**
   * Ends the session on the server if it can be reached before the signal aborts, and releases
   * socket and timers in any case. May be called in any state, and again: after an end that no
   * server has confirmed it rejects with `CONNECTION_LOSS`.
   */
  close(signal: AbortSignal): Promise<void>
}

/** `disconnected`: the session may live on, and the client is looking for a server. */
export type ClientState = 'connecting' | 'connected' | 'disconnected' | 'ended'

export type NodeKind = 'persistent' | 'ephemeral'

/**
 * One-shot. Called with what happened to the node, or with `lost` when the connection went: no
 * watch outlives its connection, and later changes have to be read again. One function that
 * waits for several things is called once by what ends them together.
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
