import { once } from 'node:events'
import http from 'node:http'
import net, { type AddressInfo } from 'node:net'
import type { Registry } from '@sd/core'
import { MemoryStore } from '@sd/memory'
import { createRegistry } from '@sd/registry'
import { Gateway, type GatewayOptions, type RouteOptions } from '../src/index.ts'

/** What a backend of a test saw. */
export interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: http.IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
  readonly body: string
}

/** A backend that notes what it gets. */
export interface Backend {
  readonly port: number
  readonly server: net.Server
  readonly seen: Seen[]
  /** Requests whose connection broke before their end. */
  readonly aborted: string[]
  readonly sockets: Set<net.Socket>
}

/** A connection to the gateway that sends raw bytes. */
export class RawClient {
  readonly socket: net.Socket
  #text = ''
  readonly closed: Promise<unknown>

  constructor(port: number) {
    this.socket = net.connect(port, '127.0.0.1')
    this.socket.on('data', (chunk) => (this.#text += chunk.toString('latin1')))
    this.socket.on('error', () => {})
    this.closed = once(this.socket, 'close')
  }
  /** What arrived so far. */
  get text(): string {
    return this.#text
  }
  /** Waits until that many bytes have arrived, or the connection has closed. */
  async untilLength(length: number): Promise<void> {
    while (this.#text.length < length && !this.socket.closed)
      await Promise.race([once(this.socket, 'data'), this.closed])
  }
  /** Waits until what arrived matches, or the connection has closed. */
  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.#text) && !this.socket.closed)
      await Promise.race([once(this.socket, 'data'), this.closed])
    return this.#text
  }
}

/** A registry in memory, backends of the service `orders`, and a gateway in front of them. */
export class World implements AsyncDisposable {
  readonly registry: Registry
  readonly #stack = new AsyncDisposableStack()
  port = 0

  private constructor(registry: Registry) {
    this.registry = registry
    this.#stack.defer(() => registry.close())
  }

  static async create(): Promise<World> {
    return new World(await createRegistry({ backend: 'memory', store: new MemoryStore() }))
  }

  /** Starts a gateway; default: everything goes to `orders`. */
  async gateway(
    routes: readonly RouteOptions[] = [{ service: 'orders' }],
    options: Partial<GatewayOptions> = {},
  ): Promise<Gateway> {
    const gateway = new Gateway({ discovery: this.registry, routes, ...options })
    this.#stack.defer(() => gateway.destroy())
    this.port = await gateway.listen({ host: '127.0.0.1' })
    return gateway
  }

  /** Starts and registers a backend. Default: it answers `ok` and the length of the body. */
  async backend(
    listener: http.RequestListener = (_request, response) => response.end('ok'),
    service = 'orders',
  ): Promise<Backend> {
    const backend = await this.server(http.createServer())
    const { server, seen, aborted } = backend
    server.on('request', (request: http.IncomingMessage, response: http.ServerResponse) => {
      const chunks: Buffer[] = []
      const { method = '', url = '', headers, rawHeaders } = request
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () =>
        seen.push({ method, url, headers, rawHeaders, body: Buffer.concat(chunks).toString() }),
      )
      request.on('close', () => !request.complete && aborted.push(url))
      response.on('close', () => !response.writableFinished && aborted.push(url))
      listener(request, response)
    })
    await this.register(backend.port, service)
    return backend
  }

  /** Starts a server of raw TCP, and registers it. */
  async tcp(listener: (socket: net.Socket) => void): Promise<Backend> {
    const backend = await this.server(net.createServer(listener))
    await this.register(backend.port)
    return backend
  }

  async server(server: net.Server): Promise<Backend> {
    const sockets = new Set<net.Socket>()
    server.on('connection', (socket: net.Socket) => {
      sockets.add(socket)
      socket.on('error', () => {}).once('close', () => sockets.delete(socket))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    this.#stack.defer(() => {
      server.close()
      for (const socket of sockets) socket.destroy()
    })
    const { port } = server.address() as AddressInfo
    return { port, server, seen: [], aborted: [], sockets }
  }

  async register(port: number, service = 'orders', scheme = 'http'): Promise<void> {
    await this.registry.register({
      service,
      id: String(port),
      endpoints: [`${scheme}://127.0.0.1:${port}`],
    })
  }

  /** A request with a client of Node, without keep-alive. */
  async request(
    path: string,
    options: http.RequestOptions = {},
    body?: string,
  ): Promise<{
    status: number
    headers: http.IncomingHttpHeaders
    rawHeaders: string[]
    body: string
    trailers: NodeJS.Dict<string>
    hints: unknown[]
  }> {
    const request = http.request({
      port: this.port,
      host: '127.0.0.1',
      path,
      agent: false,
      ...options,
    })
    const hints: unknown[] = []
    request.on('information', (information) => hints.push(information))
    request.end(body)
    const [response] = (await once(request, 'response')) as [http.IncomingMessage]
    const chunks = await response.setEncoding('utf8').toArray()
    const { statusCode: status = 0, headers, rawHeaders, trailers } = response
    return { status, headers, rawHeaders, body: chunks.join(''), trailers, hints }
  }

  connect(): RawClient {
    const client = new RawClient(this.port)
    this.#stack.defer(() => void client.socket.destroy())
    return client
  }

  /** Sends raw bytes on a connection of its own. Resolves to all that came back, once it is closed. */
  async raw(text: string): Promise<string> {
    const client = this.connect()
    client.socket.write(text, 'latin1')
    await client.closed
    return client.text
  }

  use<T extends AsyncDisposable>(value: T): T {
    return this.#stack.use(value)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }
}

/** The status of a raw response. */
export const statusOf = (text: string): number => Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1])
