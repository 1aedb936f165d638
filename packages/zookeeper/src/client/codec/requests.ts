import type { MultiOperation, NodeKind, ReadOperation } from '../zookeeper-client.ts'
import { operations, xids } from './protocol-numbers.ts'
import { RecordWriter } from './record-writer.ts'

/** Everybody may do everything; only the creator may; or the creator may, and everybody may read. */
export type NodeAccess = 'open' | 'creator' | 'creator, world reads'

/** Length, request number and operation. */
const headerBytes = 12
const flags: Readonly<Record<NodeKind, number>> = { persistent: 0, ephemeral: 1 }

const readPermission = 1
const everyPermission = 31
const acls: Readonly<Record<NodeAccess, readonly (readonly [number, string, string])[]>> = {
  open: [[everyPermission, 'world', 'anyone']],
  creator: [[everyPermission, 'auth', '']],
  'creator, world reads': [
    [everyPermission, 'auth', ''],
    [readPermission, 'world', 'anyone'],
  ],
}

/** A complete frame, but for the request's number. */
export class Request {
  readonly #frame: Buffer

  constructor(operation: number, write: (to: RecordWriter) => void = () => {}, xid = 0) {
    const writer = new RecordWriter().int(0).int(xid).int(operation)
    write(writer)
    this.#frame = writer.finish()
    this.#frame.writeInt32BE(this.#frame.length - 4, 0)
  }

  /** Without the header. */
  get payloadBytes(): number {
    return this.#frame.length - headerBytes
  }

  /** The frame under this number; the same `Buffer` each time. */
  numbered(xid: number): Buffer {
    this.#frame.writeInt32BE(xid, 4)
    return this.#frame
  }

  /** The frame of a request that has a constant number. */
  get frame(): Buffer {
    return this.#frame
  }
}

const writeCreate = (
  to: RecordWriter,
  { path, data, kind }: { path: string; data: Uint8Array; kind: NodeKind },
  access: NodeAccess,
): void => {
  to.text(path).bytes(data)
  to.list(acls[access], ([permissions, scheme, id]) => to.int(permissions).text(scheme).text(id))
  to.int(flags[kind])
}

/** `access`: the permissions of the created node. */
export const createRequest = (
  path: string,
  data: Uint8Array,
  kind: NodeKind,
  access: NodeAccess,
): Request => new Request(operations.create, (to) => writeCreate(to, { path, data, kind }, access))

export const setRequest = (path: string, data: Uint8Array, version: number): Request =>
  new Request(operations.setData, (to) => to.text(path).bytes(data).int(version))

export const deleteRequest = (path: string, version: number): Request =>
  new Request(operations.delete, (to) => to.text(path).int(version))

export const getRequest = (path: string, watch: boolean): Request =>
  new Request(operations.getData, (to) => to.text(path).bool(watch))

export const existsRequest = (path: string, watch: boolean): Request =>
  new Request(operations.exists, (to) => to.text(path).bool(watch))

export const childrenRequest = (path: string, watch: boolean): Request =>
  new Request(operations.getChildren2, (to) => to.text(path).bool(watch))

/** The paths of this session's nodes that begin with `prefix`. */
export const ephemeralsRequest = (prefix: string): Request =>
  new Request(operations.getEphemerals, (to) => to.text(prefix))

/** Watches the node and everything below it (`AddWatchMode.PERSISTENT_RECURSIVE`). */
export const addWatchRequest = (path: string): Request =>
  new Request(operations.addWatch, (to) => to.text(path).int(1))

/** Ends every watch of this connection on the node (`WatcherType.Any`). */
export const removeWatchesRequest = (path: string): Request =>
  new Request(operations.removeWatches, (to) => to.text(path).int(3))

/** The header of each operation in a list: its type, whether the list ends, and no error yet. */
const writeOperation = (to: RecordWriter, type: number, isEnd = false): RecordWriter =>
  to.int(type).bool(isEnd).int(-1)

/** All or nothing. Created nodes get the permissions of `access`. */
export const multiRequest = (list: readonly MultiOperation[], access: NodeAccess): Request =>
  new Request(operations.multi, (to) => {
    for (const operation of list) {
      const { type, path } = operation
      switch (type) {
        case 'create':
          writeOperation(to, operations.create)
          writeCreate(to, operation, access)
          break
        case 'set':
          writeOperation(to, operations.setData).text(path)
          to.bytes(operation.data).int(operation.version)
          break
        case 'delete':
        case 'check':
          writeOperation(to, operations[type]).text(path).int(operation.version)
          break
        default:
          throw new TypeError(`${String(type)} is no operation of a multi`)
      }
    }
    writeOperation(to, operations.error, true)
  })

export const multiReadRequest = (list: readonly ReadOperation[]): Request =>
  new Request(operations.multiRead, (to) => {
    for (const { type, path } of list) {
      writeOperation(to, type === 'get' ? operations.getData : operations.getChildren)
      to.text(path).bool(false)
    }
    writeOperation(to, operations.error, true)
  })

/** Ends the session and removes its nodes. */
export const closeSessionRequest = (): Request => new Request(operations.closeSession)

/** Keeps the session alive. */
export const pingRequest = (): Request => new Request(operations.ping, undefined, xids.ping)

/** One step of a login by SASL, `GetSASLRequest`. The server answers with the number of the request. */
export const saslRequest = (token: Uint8Array): Request =>
  new Request(operations.sasl, (to) => to.bytes(token), xids.auth)

/** A login by the digest scheme; the server hashes the password. */
export const digestRequest = (username: string, password: string): Request => {
  const credential = Buffer.from(`${username}:${password}`)
  return new Request(operations.auth, (to) => to.int(0).text('digest').bytes(credential), xids.auth)
}
