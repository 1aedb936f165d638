/**
 * The messages of etcd's `rpc.proto`, `kv.proto` and `lease.proto` that this driver uses, with the
 * fields that it uses, under the names that they have there. 64-bit numbers are decimal strings.
 * @module
 */

/** `etcdserverpb.ResponseHeader`. */
export interface ResponseHeader {
  readonly cluster_id: string
  readonly revision: string
}

/** `mvccpb.KeyValue`. Its buffers are parts of the response that contains it. */
export interface KeyValue {
  readonly key: Buffer
  readonly value: Buffer
  readonly mod_revision: string
  /** 0 without a lease. */
  readonly lease: string
}

/** `mvccpb.Event`; the `kv` of a deletion has a key and a revision. */
export interface WatchEvent {
  readonly type: 'put' | 'delete'
  readonly kv: KeyValue
}

export interface RangeRequest {
  readonly key: Buffer
  /** Default: only `key`. */
  readonly range_end?: Buffer
  readonly limit?: number
  /** Default: the latest. */
  readonly revision?: string
  readonly keys_only?: boolean
}

export interface RangeResponse {
  readonly header: ResponseHeader
  readonly kvs: readonly KeyValue[]
  readonly more: boolean
}

/** Whether the last modification of a key was at this revision; 0 if there is no such key. */
export interface Compare {
  readonly key: Buffer
  readonly mod_revision: string
}

export interface PutRequest {
  readonly key: Buffer
  readonly value: Buffer
  readonly lease?: string
  readonly ignore_lease?: boolean
}

export interface DeleteRangeRequest {
  readonly key: Buffer
}

/** One operation of a transaction: one of the fields is given. */
export interface RequestOp {
  readonly request_range?: RangeRequest
  readonly request_put?: PutRequest
  readonly request_delete_range?: DeleteRangeRequest
}

export interface TxnRequest {
  readonly compare?: readonly Compare[]
  readonly success: readonly RequestOp[]
}

export interface TxnResponse {
  readonly header: ResponseHeader
  readonly succeeded: boolean
  /** The results of its range requests, in their order. */
  readonly ranges: readonly RangeResponse[]
}

export interface LeaseGrantRequest {
  readonly TTL: number
}

export interface LeaseGrantResponse {
  readonly ID: string
  readonly TTL: string
  readonly error: string
}

/** Of `LeaseRevoke` and `LeaseKeepAlive`. */
export interface LeaseRequest {
  readonly ID: string
}

export interface LeaseKeepAliveResponse {
  /** 0 or less when there is no such lease. */
  readonly TTL: string
}

export interface LeaseTimeToLiveRequest {
  readonly ID: string
  readonly keys: boolean
}

export interface LeaseTimeToLiveResponse {
  /** 0 or less when there is no such lease. */
  readonly TTL: string
  readonly keys: readonly Buffer[]
}

/** One of the fields is given. */
export interface WatchRequest {
  readonly create_request?: {
    readonly key: Buffer
    readonly range_end?: Buffer
    readonly fragment?: boolean
    /** 0 is `NOPUT`, 1 is `NODELETE`. */
    readonly filters?: readonly number[]
  }
  readonly cancel_request?: { readonly watch_id: string }
}

export interface WatchResponse {
  readonly header: ResponseHeader
  readonly watch_id: string
  readonly created: boolean
  readonly canceled: boolean
  readonly compact_revision: string
  readonly cancel_reason: string
  readonly fragment: boolean
  readonly events: readonly WatchEvent[]
}

export interface AuthenticateRequest {
  readonly name: string
  readonly password: string
}

export interface AuthenticateResponse {
  readonly token: string
}

export interface StatusResponse {
  readonly version: string
  readonly dbSize: string
  readonly errors: readonly string[]
}
