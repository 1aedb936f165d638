import { createServer, type Server, type Socket } from 'node:net'
import { endpointOf } from '@sd/contract-tests/servers'
import { operations } from '../../src/client/codec/protocol-numbers.ts'
import { RecordWriter } from '../../src/client/codec/record-writer.ts'

/** The answer to a handshake; a timeout of 0 refuses the session. */
const greeting = (id: bigint, timeoutMs: number): Buffer => {
  const writer = new RecordWriter().int(0).int(0).int(timeoutMs).long(id)
  const frame = writer.bytes(Buffer.alloc(16, 7)).bool(false).finish()
  frame.writeInt32BE(frame.length - 4, 0)
  return frame
}

/** `KeeperException.Code.UNIMPLEMENTED`. */
const unimplemented = -6

/** The answer to `getEphemerals`: no node, or an error. */
const ephemeralsReply = (xid: number, code: number): Buffer => {
  const writer = new RecordWriter().int(0).int(xid).long(0n).int(code)
  const frame = (code === 0 ? writer.int(0) : writer).finish()
  frame.writeInt32BE(frame.length - 4, 0)
  return frame
}

/**
 * A host that answers every handshake alike and `getEphemerals`, and nothing else, and records what it
 * receives. With the `oldVersion` of a server before 3.6 it tells that to `srvr`, and hangs up on
 * `getEphemerals` after a refusal, as such servers do.
 */
export class RecordingHost implements AsyncDisposable {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** What each connection received; the newest last. */
  readonly received: Buffer[] = []

  private constructor(id: bigint, timeoutMs: number, oldVersion?: string) {
    this.#server = createServer((socket) => {
      const at = this.received.push(Buffer.alloc(0)) - 1
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => this.#sockets.delete(socket))
      socket.on('data', (chunk) => {
        const isOld = oldVersion !== undefined
        if (isOld && chunk.toString() === 'srvr')
          return void socket.end(`Zookeeper version: ${oldVersion}-a32c718, built on 05/29/2022\n`)
        // `getEphemerals` is the first request of a chunk
        if (this.received[at]?.length === 0) socket.write(greeting(id, timeoutMs))
        else if (chunk.length >= 12 && chunk.readInt32BE(8) === operations.getEphemerals) {
          socket.write(ephemeralsReply(chunk.readInt32BE(4), isOld ? unimplemented : 0))
          if (isOld) socket.end()
        }
        this.received[at] = Buffer.concat([this.received[at] ?? chunk, chunk])
      })
    })
  }

  static async of(id: bigint, timeoutMs: number, oldVersion?: string): Promise<RecordingHost> {
    const host = new RecordingHost(id, timeoutMs, oldVersion)
    await new Promise<void>((resolve) => host.#server.listen(0, '127.0.0.1', resolve))
    return host
  }

  get endpoint(): string {
    return endpointOf(this.#server)
  }

  /** The number of connections that are open. */
  get open(): number {
    return this.#sockets.size
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve))
  }
}
