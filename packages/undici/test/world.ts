import { once } from 'node:events'
import http from 'node:http'
import net, { type AddressInfo } from 'node:net'
import type { InstanceInput, Registration, Registry } from '@sd/core'
import { MemoryStore } from '@sd/memory'
import { createRegistry } from '@sd/registry'
import { type CallError, type ServiceDispatcherOptions, ServiceDispatcher } from '../src/index.ts'

/** A server on 127.0.0.1 that counts its connections and requests. */
export interface TestServer extends AsyncDisposable {
  readonly port: number
  readonly endpoint: string
  /** All connections so far, and the open ones. */
  readonly connections: number
  readonly open: number
  /** Requests that began. */
  readonly requests: number
  /** Closes everything at once. */
  stop(): Promise<void>
}

/** A server of Node, started on a free port, or on `port`. */
export const serve = async (
  server: net.Server,
  scheme = 'http',
  port = 0,
  connectionEvent = 'connection',
): Promise<TestServer> => {
  const sockets = new Set<net.Socket>()
  let [connections, requests] = [0, 0]
  server.on('connection', (socket: net.Socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).once('close', () => sockets.delete(socket))
  })
  server.on(connectionEvent, () => (connections += 1))
  server.on('request', () => (requests += 1))
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address() as AddressInfo
  const stop = async (): Promise<void> => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    for (const socket of sockets) socket.destroy()
    await closed
  }
  return {
    port: address.port,
    endpoint: `${scheme}://127.0.0.1:${address.port}`,
    get connections() {
      return connections
    },
    get open() {
      return sockets.size
    },
    get requests() {
      return requests
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** The answer of the plain test server. */
export interface Echo {
  readonly id: string
  readonly method: string
  readonly url: string
  readonly host: string
  readonly body: string
  readonly headers: http.IncomingHttpHeaders
}

/** Answers with the request as JSON. */
export const echo =
  (id: string): http.RequestListener =>
  (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      const body = Buffer.concat(chunks).toString()
      const { host = '' } = headers
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ id, method, url, host, body, headers } satisfies Echo))
    })
  }

/** A strategy that picks in the order of registration, so that a test knows the first instance. */
export const inOrder: NonNullable<ServiceDispatcherOptions['balancer']> = {
  strategy: 'round-robin',
  random: { next: () => 0 },
}

/** A registry in memory, servers that are registered in it, and dispatchers that call them. */
export class World implements AsyncDisposable {
  readonly registry: Registry
  readonly #stack = new AsyncDisposableStack()
  readonly registrations = new Map<string, Registration>()

  private constructor(registry: Registry) {
    this.registry = registry
    this.#stack.defer(() => registry.close())
  }

  static async create(): Promise<World> {
    return new World(await createRegistry({ backend: 'memory', store: new MemoryStore() }))
  }

  /** Registers an address, with or without a listener. */
  async register(
    id: string,
    endpoint: string,
    more: Partial<InstanceInput> = {},
  ): Promise<Registration> {
    const registration = await this.registry.register({
      service: 'orders',
      id,
      endpoints: [endpoint],
      ...more,
    })
    this.registrations.set(id, registration)
    return registration
  }

  async deregister(id: string): Promise<void> {
    await this.registrations.get(id)?.deregister()
  }

  /** Serves over HTTP, and registers as `id` of the service `orders`. */
  async http(
    id: string,
    listener: http.RequestListener = echo(id),
    more: Partial<InstanceInput> = {},
  ): Promise<TestServer> {
    const server = this.#stack.use(await serve(http.createServer(listener)))
    await this.register(id, server.endpoint, more)
    return server
  }

  /** Serves raw TCP, for behaviour that an HTTP server does not have. */
  async tcp(id: string, listener: (socket: net.Socket) => void): Promise<TestServer> {
    const server = this.#stack.use(await serve(net.createServer(listener)))
    await this.register(id, server.endpoint)
    return server
  }

  /** Registers an address without a listener. */
  async dead(id: string): Promise<void> {
    const server = await serve(net.createServer())
    await server.stop()
    await this.register(id, server.endpoint)
  }

  dispatcher(options: Partial<ServiceDispatcherOptions> = {}): ServiceDispatcher {
    const dispatcher = new ServiceDispatcher({
      discovery: this.registry,
      balancer: inOrder,
      ...options,
    })
    this.#stack.defer(() => dispatcher.destroy())
    return dispatcher
  }

  use<T extends AsyncDisposable>(value: T): T {
    return this.#stack.use(value)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }
}

/** The error that a promise rejects with. */
export const failureOf = (promise: Promise<unknown>): Promise<CallError> =>
  promise.then(
    () => {
      throw new Error('it did not fail')
    },
    (error: unknown) => error as CallError,
  )
