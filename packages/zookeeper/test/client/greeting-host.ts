import { readFileSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import type { Conversation } from './conversations/steps.ts'

const file = new URL('conversations/3.9.5.json', import.meta.url)

/** The handshake of a recorded conversation. */
export const { handshake } = JSON.parse(readFileSync(file, 'utf8')) as Conversation

/** A host that completes the handshake, sends `then`, and answers nothing more. */
export class GreetingHost implements AsyncDisposable {
  readonly port: number
  readonly #server: Server
  readonly #sockets: ReadonlySet<Socket>

  private constructor(server: Server, sockets: ReadonlySet<Socket>) {
    const address = server.address()
    this.port = typeof address === 'object' && address ? address.port : 0
    this.#server = server
    this.#sockets = sockets
  }

  static async thatSends(then: Buffer): Promise<GreetingHost> {
    const greeting = Buffer.concat([Buffer.from(handshake.received.join(''), 'hex'), then])
    const sockets = new Set<Socket>()
    const server = createServer((socket) => {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.once('data', () => socket.write(greeting))
      socket.resume()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new GreetingHost(server, sockets)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
