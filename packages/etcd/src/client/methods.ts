import type {
  AuthenticateRequest,
  AuthenticateResponse,
  LeaseGrantRequest,
  LeaseGrantResponse,
  LeaseKeepAliveResponse,
  LeaseRequest,
  LeaseTimeToLiveRequest,
  LeaseTimeToLiveResponse,
  RangeRequest,
  RangeResponse,
  StatusResponse,
  TxnRequest,
  TxnResponse,
  WatchRequest,
  WatchResponse,
} from './codec/messages.ts'
import * as requests from './codec/requests.ts'
import * as responses from './codec/responses.ts'

/** A method of one of etcd's gRPC services, unary or a stream in both directions. */
export interface Method<Request, Response> {
  /** The path of its HTTP/2 requests. */
  readonly path: string
  readonly write: requests.WriteRequest<Request>
  readonly read: responses.ReadResponse<Response>
}

const method = <Request, Response>(
  name: string,
  write: requests.WriteRequest<Request>,
  read: responses.ReadResponse<Response>,
): Method<Request, Response> => ({ path: `/etcdserverpb.${name}`, write, read })

export const range: Method<RangeRequest, RangeResponse> = method(
  'KV/Range',
  requests.writeRange,
  responses.readRange,
)

export const txn: Method<TxnRequest, TxnResponse> = method(
  'KV/Txn',
  requests.writeTxn,
  responses.readTxn,
)

export const leaseGrant: Method<LeaseGrantRequest, LeaseGrantResponse> = method(
  'Lease/LeaseGrant',
  requests.writeLeaseGrant,
  responses.readLeaseGrant,
)

export const leaseRevoke: Method<LeaseRequest, object> = method(
  'Lease/LeaseRevoke',
  requests.writeLease,
  responses.readNothing,
)

export const leaseTimeToLive: Method<LeaseTimeToLiveRequest, LeaseTimeToLiveResponse> = method(
  'Lease/LeaseTimeToLive',
  requests.writeLeaseTimeToLive,
  responses.readLeaseTimeToLive,
)

/** A stream. */
export const leaseKeepAlive: Method<LeaseRequest, LeaseKeepAliveResponse> = method(
  'Lease/LeaseKeepAlive',
  requests.writeLease,
  responses.readLeaseKeepAlive,
)

/** A stream. */
export const watch: Method<WatchRequest, WatchResponse> = method(
  'Watch/Watch',
  requests.writeWatch,
  responses.readWatch,
)

export const authenticate: Method<AuthenticateRequest, AuthenticateResponse> = method(
  'Auth/Authenticate',
  requests.writeAuthenticate,
  responses.readAuthenticate,
)

export const status: Method<object, StatusResponse> = method(
  'Maintenance/Status',
  requests.writeNothing,
  responses.readStatus,
)
