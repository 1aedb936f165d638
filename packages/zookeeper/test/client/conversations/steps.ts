import { xids } from '../../../src/client/codec/protocol-numbers.ts'
import {
  addWatchRequest,
  childrenRequest,
  closeSessionRequest,
  createRequest,
  deleteRequest,
  digestRequest,
  ephemeralsRequest,
  existsRequest,
  getRequest,
  multiReadRequest,
  multiRequest,
  pingRequest,
  Request,
  removeWatchesRequest,
  setRequest,
} from '../../../src/client/codec/requests.ts'
import type { MultiOperation, ReadOperation } from '../../../src/client/zookeeper-client.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text)

/** Operations that succeed together. */
export const accepted: readonly MultiOperation[] = [
  { type: 'check', path: '/tree', version: 1 },
  { type: 'create', path: '/tree/b', data: bytes('b'), kind: 'persistent' },
  { type: 'set', path: '/tree/a', data: bytes('a2'), version: 0 },
  { type: 'delete', path: '/tree/a', version: 1 },
]

/** Operations of which the third fails. */
export const refused: readonly MultiOperation[] = [
  { type: 'check', path: '/tree', version: 1 },
  { type: 'set', path: '/tree', data: bytes('x'), version: 1 },
  { type: 'create', path: '/tree/b', data: bytes('b'), kind: 'persistent' },
  { type: 'delete', path: '/tree', version: -1 },
]

/** Reads of which the last fails. */
export const reads: readonly ReadOperation[] = [
  { type: 'get', path: '/tree' },
  { type: 'children', path: '/tree' },
  { type: 'get', path: '/tree/none' },
]

/** The requests of the recorded conversations, after the handshake. Numbered from 1, in order. */
export const steps: readonly { readonly name: string; readonly request: () => Request }[] = [
  { name: 'login', request: () => digestRequest('user', 'password') },
  {
    name: 'create',
    request: () => createRequest('/tree', bytes('t'), 'persistent', 'creator, world reads'),
  },
  {
    name: 'create ephemeral',
    request: () => createRequest('/tree/a', bytes('ä'), 'ephemeral', 'open'),
  },
  { name: 'ephemerals', request: () => ephemeralsRequest('/tree') },
  {
    name: 'create existing',
    request: () => createRequest('/tree', bytes(''), 'persistent', 'open'),
  },
  { name: 'exists with a watch', request: () => existsRequest('/tree/b', true) },
  { name: 'exists', request: () => existsRequest('/tree', false) },
  { name: 'get', request: () => getRequest('/tree/a', false) },
  { name: 'children', request: () => childrenRequest('/tree', false) },
  { name: 'children of a leaf', request: () => childrenRequest('/tree/a', false) },
  { name: 'set', request: () => setRequest('/tree', bytes('t1'), 0) },
  { name: 'set stale', request: () => setRequest('/tree', bytes('t2'), 0) },
  { name: 'add a watch', request: () => addWatchRequest('/tree') },
  { name: 'multi', request: () => multiRequest(accepted, 'open') },
  { name: 'multi refused', request: () => multiRequest(refused, 'open') },
  { name: 'read many', request: () => multiReadRequest(reads) },
  // recorded, though no client of this package sends it
  { name: 'sync', request: () => new Request(9, (to) => to.text('/tree')) },
  { name: 'remove watches', request: () => removeWatchesRequest('/tree') },
  { name: 'remove no watch', request: () => removeWatchesRequest('/tree') },
  { name: 'ping', request: () => pingRequest() },
  { name: 'delete', request: () => deleteRequest('/tree/b', 0) },
  { name: 'delete the tree', request: () => deleteRequest('/tree', -1) },
  { name: 'close', request: () => closeSessionRequest() },
]

/** The frame that a step sends; requests with a constant number keep it. */
export const frameOf = (request: Request, index: number): Buffer => {
  const xid = request.frame.readInt32BE(4)
  return xid === xids.ping || xid === xids.auth ? request.frame : request.numbered(index + 1)
}

/** One conversation with a server: each step's frame, and what the server sent before the next. */
export interface Conversation {
  readonly server: string
  readonly handshake: Exchange
  /** Of a second connection of the session, on which the steps are made. */
  readonly resumed: Exchange
  readonly steps: readonly (Exchange & { readonly name: string })[]
  /** Of a connection for the session after it was closed. */
  readonly expired: Exchange
}

/** Hexadecimal frames, each with its length. */
export interface Exchange {
  readonly sent: string
  readonly received: readonly string[]
}
