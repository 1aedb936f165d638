import type {
  AuthenticateRequest,
  Compare,
  DeleteRangeRequest,
  LeaseGrantRequest,
  LeaseRequest,
  LeaseTimeToLiveRequest,
  PutRequest,
  RangeRequest,
  RequestOp,
  TxnRequest,
  WatchRequest,
} from './messages.ts'
import type { MessageWriter } from './message-writer.ts'

/** Adds the fields of a request to a message. */
export type WriteRequest<Request> = (writer: MessageWriter, request: Request) => void

export const writeRange: WriteRequest<RangeRequest> = (writer, request) => {
  const { key, range_end, limit, revision, keys_only } = request
  writer.bytes(1, key)
  if (range_end !== undefined) writer.bytes(2, range_end)
  if (limit !== undefined) writer.number(3, limit)
  if (revision !== undefined) writer.int64(4, revision)
  if (keys_only !== undefined) writer.bool(8, keys_only)
}

const writePut: WriteRequest<PutRequest> = (writer, { key, value, lease, ignore_lease }) => {
  writer.bytes(1, key).bytes(2, value)
  if (lease !== undefined) writer.int64(3, lease)
  if (ignore_lease !== undefined) writer.bool(6, ignore_lease)
}

const writeDelete: WriteRequest<DeleteRangeRequest> = (writer, { key }) => {
  writer.bytes(1, key)
}

const writeOperation: WriteRequest<RequestOp> = (writer, operation) => {
  const { request_range, request_put, request_delete_range } = operation
  if (request_range) writer.message(1, () => writeRange(writer, request_range))
  else if (request_put) writer.message(2, () => writePut(writer, request_put))
  else if (request_delete_range) writer.message(3, () => writeDelete(writer, request_delete_range))
}

/** `CompareTarget.MOD` and `CompareResult.EQUAL`, which is 0. */
const modTarget = 2

const writeCompare: WriteRequest<Compare> = (writer, { key, mod_revision }) => {
  writer.number(2, modTarget).bytes(3, key).int64(6, mod_revision, true)
}

export const writeTxn: WriteRequest<TxnRequest> = (writer, { compare = [], success }) => {
  for (const one of compare) writer.message(1, () => writeCompare(writer, one))
  for (const operation of success) writer.message(2, () => writeOperation(writer, operation))
}

export const writeLeaseGrant: WriteRequest<LeaseGrantRequest> = (writer, { TTL }) => {
  writer.number(1, TTL)
}

export const writeLease: WriteRequest<LeaseRequest> = (writer, { ID }) => {
  writer.int64(1, ID)
}

export const writeLeaseTimeToLive: WriteRequest<LeaseTimeToLiveRequest> = (
  writer,
  { ID, keys },
) => {
  writer.int64(1, ID).bool(2, keys)
}

export const writeWatch: WriteRequest<WatchRequest> = (writer, request) => {
  const { create_request, cancel_request } = request
  if (create_request)
    writer.message(1, () => {
      const { key, range_end, filters, fragment } = create_request
      writer.bytes(1, key)
      if (range_end !== undefined) writer.bytes(2, range_end)
      if (filters !== undefined) writer.packed(5, filters)
      if (fragment !== undefined) writer.bool(8, fragment)
    })
  else if (cancel_request) writer.message(2, () => void writer.int64(1, cancel_request.watch_id))
}

export const writeAuthenticate: WriteRequest<AuthenticateRequest> = (
  writer,
  { name, password },
) => {
  writer.text(1, name).text(2, password)
}

export const writeNothing: WriteRequest<object> = () => {}
