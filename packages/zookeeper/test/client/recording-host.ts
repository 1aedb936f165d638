import { createServer, type Server, type Socket } from 'node:net'
import { RecordWriter } from '../../src/client/codec/record-writer.ts'

/** The answer to a handshake; a timeout of 0 refuses the session. */
const greeting = (id: bigint, timeoutMs: number): Buffer => {
  const writer = new RecordWriter().int(0).int(0).int(timeoutMs).long(id)
  const frame = writer.bytes(Buffer.alloc(16, 7)).bool(false).finish()
  frame.writeInt32BE(frame.length - 4, 0)
  return frame
}

/** A host that answers every handshake alike and nothing else, and records what it receives. */
export class RecordingHost implements AsyncDisposable {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** What each connection received; the newest last. */
  readonly received: Buffer[] = []

  private constructor(id: bigint, timeoutMs: number) {
    this.#server = createServer((socket) => {
      const at = this.received.push(Buffer.alloc(0)) - 1
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => this.#sockets.delete(socket))
      socket.on('data', (chunk) => {
        if (this.received[at]?.length === 0) socket.write(greeting(id, timeoutMs))
        this.received[at] = Buffer.concat([this.received[at] ?? chunk, chunk])
      })
    })
  }

  static async of(id: bigint, timeoutMs: number): Promise<RecordingHost> {
    const host = new RecordingHost(id, timeoutMs)
    await new Promise<void>((resolve) => host.#server.listen(0, '127.0.0.1', resolve))
    return host
  }

  get endpoint(): string {
    const address = this.#server.address()
    return typeof address === 'object' && address ? `127.0.0.1:${address.port}` : ''
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
