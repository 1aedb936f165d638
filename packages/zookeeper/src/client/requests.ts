import type { Jute, LibraryOperation, LibraryRecord, LibraryRequest } from './library.ts'
import type { MultiOperation, NodeKind } from './zookeeper-client.ts'

const readPermission = 1
const everyPermission = 31
const flags: Readonly<Record<NodeKind, number>> = { persistent: 0, ephemeral: 1 }

/** Everybody may do everything; only the creator may; or the creator may, and everybody may read. */
export type NodeAccess = 'open' | 'creator' | 'creator, world reads'

/**
 * Makes requests with the library's codec, but not with its `Client`. The `Client` takes version 0 in
 * a transaction for any version, throws on arguments in the middle of a call, retries, and has a data
 * limit above the servers' own.
 */
export class Requests {
  readonly #jute: Jute
  readonly #acl: LibraryRecord[]

  /** `access`: the permissions of the created nodes. */
  constructor(jute: Jute, access: NodeAccess) {
    this.#jute = jute
    const { ACL, Id } = jute.data
    const everybody = new Id('world', 'anyone')
    const creator = new Id('auth', '')
    this.#acl = {
      open: [new ACL(everyPermission, everybody)],
      creator: [new ACL(everyPermission, creator)],
      'creator, world reads': [
        new ACL(everyPermission, creator),
        new ACL(readPermission, everybody),
      ],
    }[access]
  }

  create(path: string, data: Uint8Array, kind: NodeKind): LibraryRequest {
    const { OP_CODES, protocol } = this.#jute
    return this.#make(
      OP_CODES.CREATE,
      new protocol.CreateRequest(path, toBuffer(data), this.#acl, flags[kind]),
    )
  }

  set(path: string, data: Uint8Array, version: number): LibraryRequest {
    const { OP_CODES, protocol } = this.#jute
    const payload = new protocol.SetDataRequest(path, toBuffer(data), checkedVersion(version))
    return this.#make(OP_CODES.SET_DATA, payload)
  }

  delete(path: string, version: number): LibraryRequest {
    const { OP_CODES, protocol } = this.#jute
    return this.#make(OP_CODES.DELETE, new protocol.DeleteRequest(path, checkedVersion(version)))
  }

  get(path: string, watch: boolean): LibraryRequest {
    const { OP_CODES, protocol } = this.#jute
    return this.#make(OP_CODES.GET_DATA, new protocol.GetDataRequest(path, watch))
  }

  exists(path: string, watch: boolean): LibraryRequest {
    const { OP_CODES, protocol } = this.#jute
    return this.#make(OP_CODES.EXISTS, new protocol.ExistsRequest(path, watch))
  }

  children(path: string, watch: boolean): LibraryRequest {
    const { OP_CODES, protocol } = this.#jute
    return this.#make(OP_CODES.GET_CHILDREN2, new protocol.GetChildren2Request(path, watch))
  }

  multi(operations: readonly MultiOperation[]): LibraryRequest {
    const payload = new this.#jute.TransactionRequest(
      operations.map((operation) => this.#operationOf(operation)),
    )
    return this.#make(this.#jute.OP_CODES.MULTI, payload)
  }

  closeSession(): LibraryRequest {
    return this.#make(this.#jute.OP_CODES.CLOSE_SESSION, null)
  }

  #make(type: number, payload: LibraryRecord | null): LibraryRequest {
    return new this.#jute.Request(new this.#jute.protocol.RequestHeader(0, type), payload)
  }

  #operationOf(operation: MultiOperation): LibraryOperation {
    const { OP_CODES } = this.#jute
    const { path } = operation
    switch (operation.type) {
      case 'create':
        return {
          type: OP_CODES.CREATE,
          path,
          data: toBuffer(operation.data),
          acls: this.#acl.map((record) => ({ toRecord: () => record })),
          mode: flags[operation.kind],
        }
      case 'set': {
        const { data, version } = operation
        const [bytes, exact] = [toBuffer(data), checkedVersion(version)]
        return { type: OP_CODES.SET_DATA, path, data: bytes, version: exact }
      }
      case 'delete':
        return { type: OP_CODES.DELETE, path, version: checkedVersion(operation.version) }
      case 'check':
        return { type: OP_CODES.CHECK, path, version: checkedVersion(operation.version) }
    }
  }
}

/** The codec writes anything but a `Buffer` as null. */
const toBuffer = (data: Uint8Array): Buffer =>
  Buffer.from(data.buffer, data.byteOffset, data.byteLength)

/** The codec would throw while it writes, and leave the connection waiting for an answer. */
const checkedVersion = (version: number): number => {
  if (version === (version | 0)) return version
  throw new RangeError(`version ${version} is not a 32-bit integer`)
}
