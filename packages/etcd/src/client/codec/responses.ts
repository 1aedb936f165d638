import type {
  AuthenticateResponse,
  KeyValue,
  LeaseGrantResponse,
  LeaseKeepAliveResponse,
  LeaseTimeToLiveResponse,
  RangeResponse,
  ResponseHeader,
  StatusResponse,
  TxnResponse,
  WatchEvent,
  WatchResponse,
} from './messages.ts'
import type { MessageReader } from './message-reader.ts'

/** Reads all fields of a message; those that are absent have the default values of proto3. */
export type ReadResponse<Response> = (reader: MessageReader) => Response

const noBytes: Buffer = Buffer.alloc(0)
const noHeader: ResponseHeader = { cluster_id: '0', revision: '0' }

const readHeader: ReadResponse<ResponseHeader> = (reader) => {
  let { cluster_id, revision } = noHeader
  for (let field = reader.next(); field !== 0; field = reader.next())
    if (field === 1) cluster_id = reader.uint64()
    else if (field === 3) revision = reader.int64()
    else reader.skip()
  return { cluster_id, revision }
}

const readKeyValue: ReadResponse<KeyValue> = (reader) => {
  let key = noBytes
  let value = noBytes
  let mod_revision = '0'
  let lease = '0'
  for (let field = reader.next(); field !== 0; field = reader.next())
    if (field === 1) key = reader.bytes()
    else if (field === 3) mod_revision = reader.int64()
    else if (field === 5) value = reader.bytes()
    else if (field === 6) lease = reader.int64()
    else reader.skip()
  return { key, value, mod_revision, lease }
}

const noKeyValue: KeyValue = { key: noBytes, value: noBytes, mod_revision: '0', lease: '0' }

const readEvent: ReadResponse<WatchEvent> = (reader) => {
  let type: WatchEvent['type'] = 'put'
  let kv = noKeyValue
  for (let field = reader.next(); field !== 0; field = reader.next())
    if (field === 1) type = reader.number() === 0 ? 'put' : 'delete'
    else if (field === 2) kv = reader.message(readKeyValue)
    else reader.skip()
  return { type, kv }
}

export const readRange: ReadResponse<RangeResponse> = (reader) => {
  let header = noHeader
  const kvs: KeyValue[] = []
  let more = false
  for (let field = reader.next(); field !== 0; field = reader.next())
    if (field === 1) header = reader.message(readHeader)
    else if (field === 2) kvs.push(reader.message(readKeyValue))
    else if (field === 3) more = reader.bool()
    else reader.skip()
  return { header, kvs, more }
}

/** `ResponseOp`: the result of a range request, or of a write, which tells nothing. */
const readResult: ReadResponse<RangeResponse | undefined> = (reader) => {
  let range: RangeResponse | undefined
  for (let field = reader.next(); field !== 0; field = reader.next())
    if (field === 1) range = reader.message(readRange)
    else reader.skip()
  return range
}

export const readTxn: ReadResponse<TxnResponse> = (reader) => {
  let header = noHeader
  let succeeded = false
  const ranges: RangeResponse[] = []
  for (let field = reader.next(); field !== 0; field = reader.next())
    if (field === 1) header = reader.message(readHeader)
    else if (field === 2) succeeded = reader.bool()
    else if (field === 3) {
      const range = reader.message(readResult)
      if (range !== undefined) ranges.push(range)
    } else reader.skip()
  return { header, succeeded, ranges }
}

export const readLeaseGrant: ReadResponse<LeaseGrantResponse> = (reader) => {
  let ID = '0'
  let TTL = '0'
  let error = ''
  for (let field = reader.next(); field !== 0; field = reader.next())
    if (field === 2) ID = reader.int64()
    else if (field === 3) TTL = reader.int64()
    else if (field === 4) error = reader.text()
    else reader.skip()
  return { ID, TTL, error }
}

export const readLeaseKeepAlive: ReadResponse<LeaseKeepAliveResponse> = (reader) => {
  let TTL = '0'
  for (let field = reader.next(); field !== 0; field = reader.next())
    if (field === 3) TTL = reader.int64()
    else reader.skip()
  return { TTL }
}

export const readLeaseTimeToLive: ReadResponse<LeaseTimeToLiveResponse> = (reader) => {
  let TTL = '0'
  const keys: Buffer[] = []
  for (let field = reader.next(); field !== 0; field = reader.next())
    if (field === 3) TTL = reader.int64()
    else if (field === 5) keys.push(reader.bytes())
    else reader.skip()
  return { TTL, keys }
}

export const readWatch: ReadResponse<WatchResponse> = (reader) => {
  let header = noHeader
  let watch_id = '0'
  let created = false
  let canceled = false
  let compact_revision = '0'
  let cancel_reason = ''
  let fragment = false
  const events: WatchEvent[] = []
  for (let field = reader.next(); field !== 0; field = reader.next())
    if (field === 1) header = reader.message(readHeader)
    else if (field === 2) watch_id = reader.int64()
    else if (field === 3) created = reader.bool()
    else if (field === 4) canceled = reader.bool()
    else if (field === 5) compact_revision = reader.int64()
    else if (field === 6) cancel_reason = reader.text()
    else if (field === 7) fragment = reader.bool()
    else if (field === 11) events.push(reader.message(readEvent))
    else reader.skip()
  return {
    header,
    watch_id,
    created,
    canceled,
    compact_revision,
    cancel_reason,
    fragment,
    events,
  }
}

export const readAuthenticate: ReadResponse<AuthenticateResponse> = (reader) => {
  let token = ''
  for (let field = reader.next(); field !== 0; field = reader.next())
    if (field === 2) token = reader.text()
    else reader.skip()
  return { token }
}

export const readStatus: ReadResponse<StatusResponse> = (reader) => {
  let version = ''
  let dbSize = '0'
  const errors: string[] = []
  for (let field = reader.next(); field !== 0; field = reader.next())
    if (field === 2) version = reader.text()
    else if (field === 3) dbSize = reader.int64()
    else if (field === 8) errors.push(reader.text())
    else reader.skip()
  return { version, dbSize, errors }
}

export const readNothing: ReadResponse<object> = (reader) => {
  for (let field = reader.next(); field !== 0; field = reader.next()) reader.skip()
  return {}
}
