import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** HTTP servers that answer with their name. */
export class EchoServices implements AsyncDisposable {
  readonly #servers = new Map<string, Server>()

  /** Starts one; returns its URL. */
  async start(name: string): Promise<string> {
    const server = createServer((_, response) => response.end(name))
    this.#servers.set(name, server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  /** Ends one, once it has answered what it is asked at the moment. */
  async stop(name: string): Promise<void> {
    const server = this.#servers.get(name)
    this.#servers.delete(name)
    if (server !== undefined) await new Promise((resolve) => server.close(resolve))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#servers.keys()].map((name) => this.stop(name)))
  }
}
