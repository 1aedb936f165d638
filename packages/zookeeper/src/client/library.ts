/**
 * The internals of `node-zookeeper-client` 1.1.3 that are used. The package is pinned to that
 * version; `assertLibrary` throws if the internals differ nevertheless.
 */
export interface Library {
  readonly connection: LibraryConnection
  readonly jute: Jute
}

/** The library's `ConnectionManager`: a socket, its reconnecting, the handshake and the requests. */
export interface LibraryConnection {
  state: number
  xid: number
  socket: LibrarySocket | undefined
  servers: readonly Host[]
  /** Replaced: the library's own sets all watches again after a reconnect, in one packet. */
  watcherManager: { isEmpty(): boolean; emit(event: LibraryWatchEvent): void }
  readonly credentials: { scheme: string; auth: Buffer }[]
  /** Unwritten packets, which the library keeps for the next connection. */
  readonly packetQueue: { readonly queue: unknown[] }
  connect(): void
  /** Replaced: called for every attempt to connect, also those after a lost connection. */
  findNextServer(use: (host: Host) => void): void
  /** Replaced: the library's own fails on truncated frames and on anything unexpected. */
  onSocketData(data: Buffer): void
  /** Replaced: fails the requests in flight, and connects again. */
  onSocketClosed(): void
  queue(request: LibraryRequest, callback?: LibraryCallback): void
  on(event: 'state', listener: (state: number) => void): void
  getSessionId(): Buffer
  getSessionTimeout(): number
}

interface LibrarySocket {
  readonly destroyed: boolean
  destroy(error?: Error): void
  on(event: 'error', listener: (error: Error) => void): void
}

export interface Host {
  readonly host: string
  readonly port: number
}

export interface LibraryWatchEvent {
  readonly type: number
  readonly path: string
}

type LibraryCallback = (
  error: { readonly code: number } | null,
  response?: { readonly payload: unknown },
) => void

/** A request or a part of one, with its length on the wire. */
export interface LibraryRecord {
  byteLength(): number
}

export interface LibraryRequest {
  readonly payload: LibraryRecord | null
}

type Make<Arguments extends readonly unknown[], Made = LibraryRecord> = new (
  ...values: Arguments
) => Made

/** The library's codec. Bytes must be `Buffer`s; 64-bit numbers are `Buffer`s of 8 bytes. */
export interface Jute {
  readonly OP_CODES: Readonly<Record<OperationName, number>>
  readonly XID_PING: number
  readonly Request: Make<[header: LibraryRecord, payload: LibraryRecord | null], LibraryRequest>
  readonly TransactionRequest: Make<[operations: readonly LibraryOperation[]]>
  readonly protocol: {
    readonly RequestHeader: Make<[xid: number, type: number]>
    readonly CreateRequest: Make<[string, Buffer, readonly LibraryRecord[], flags: number]>
    readonly SetDataRequest: Make<[string, Buffer, version: number]>
    readonly DeleteRequest: Make<[string, version: number]>
    readonly GetDataRequest: Make<[string, watch: boolean]>
    readonly ExistsRequest: Make<[string, watch: boolean]>
    readonly GetChildren2Request: Make<[string, watch: boolean]>
  }
  readonly data: {
    readonly ACL: Make<[permissions: number, LibraryRecord]>
    readonly Id: Make<[scheme: string, id: string]>
  }
}

/** One operation of a `TransactionRequest`, as the library's `Transaction` would write it. */
export interface LibraryOperation {
  readonly type: number
  readonly path: string
  readonly data?: Buffer
  readonly acls?: readonly { toRecord(): LibraryRecord }[]
  readonly mode?: number
  readonly version?: number
}

export interface LibraryStat {
  readonly czxid: Buffer
  readonly mzxid: Buffer
  readonly pzxid: Buffer
  readonly version: number
  readonly cversion: number
  readonly ephemeralOwner: Buffer
  readonly numChildren: number
}

const operationNames = [
  'CREATE',
  'DELETE',
  'EXISTS',
  'GET_DATA',
  'SET_DATA',
  'GET_CHILDREN2',
  'CHECK',
  'MULTI',
  'PING',
  'CLOSE_SESSION',
] as const

type OperationName = (typeof operationNames)[number]

const functions = (names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, 'function']))

const connectionMembers: Readonly<Record<string, string>> = {
  state: 'number',
  xid: 'number',
  servers: 'object',
  watcherManager: 'object',
  credentials: 'object',
  packetQueue: 'object',
  ...functions(['connect', 'findNextServer', 'onSocketData', 'onSocketClosed', 'queue', 'on']),
  ...functions(['getSessionId', 'getSessionTimeout']),
}

const requestNames = [
  'RequestHeader',
  'CreateRequest',
  'SetDataRequest',
  'DeleteRequest',
  'GetDataRequest',
  'ExistsRequest',
  'GetChildren2Request',
]

/** Throws, before any I/O, when the library is not the version this code was written for. */
export const assertLibrary = ({ connection, jute }: Library): void => {
  const check = (where: string, value: unknown, parts: Readonly<Record<string, string>>): void => {
    for (const [name, type] of Object.entries(parts)) {
      const found = typeof (value as Record<string, unknown> | undefined)?.[name]
      if (found !== type)
        throw new Error(
          `node-zookeeper-client: ${where}.${name} is ${found}, not ${type}; ` +
            'this package needs exactly version 1.1.3 of it; install that version',
        )
    }
  }
  check('connection', connection, connectionMembers)
  check('connection.packetQueue', connection.packetQueue, { queue: 'object' })
  check('jute', jute, {
    OP_CODES: 'object',
    XID_PING: 'number',
    ...functions(['Request', 'TransactionRequest']),
  })
  check(
    'jute.OP_CODES',
    jute.OP_CODES,
    Object.fromEntries(operationNames.map((name) => [name, 'number'])),
  )
  check('jute.protocol', jute.protocol, functions(requestNames))
  check('jute.data', jute.data, functions(['ACL', 'Id']))
}
