import { createServer, type Server, type ServerResponse } from 'node:http'

/** Listens in place of an agent, and misbehaves. */
export class StrangeHost implements AsyncDisposable {
  readonly host: string
  readonly #server: Server
  requests = 0

  private constructor(server: Server) {
    const address = server.address()
    this.#server = server
    this.host = `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
  }

  /** `answer` receives the request's number, counted from 1. */
  static async that(
    answer: (response: ServerResponse, count: number) => void,
  ): Promise<StrangeHost> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const host = new StrangeHost(server)
    server.on('request', (_, response) => {
      host.requests += 1
      answer(response, host.requests)
    })
    return host
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
