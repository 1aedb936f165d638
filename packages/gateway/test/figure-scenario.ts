import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { Client, credentials, Server, ServerCredentials } from '@grpc/grpc-js'
import type { Registration, Registry } from '@sd/core'
import { registerResolver } from '@sd/grpc'
import { MemoryFaults } from '@sd/memory/faults'
import { MemoryStore } from '@sd/memory'
import { createRegistry } from '@sd/registry'
import { echoMethod } from '../contract/echo-method.ts'
import { Gateway, prometheusMetrics } from '../src/index.ts'

const ttlMs = 600
const method = { ...echoMethod, path: '/shop.Prices/PriceOf' }

/**
 * A process with a gateway to which everything happens that its figures tell: outages, refusals,
 * unreadable records, failed requests. Services, registry and gateway are real.
 */
export class FigureScenario implements AsyncDisposable {
  readonly registry: Registry
  /** Where the gateway listens. */
  port = 0
  /** An instance of `orders` that nobody listens at. */
  #dead: Registration | undefined
  #calls = 0
  readonly #store: MemoryStore
  readonly #faults: MemoryFaults
  readonly #stack = new AsyncDisposableStack()

  private constructor(registry: Registry, store: MemoryStore) {
    this.registry = registry
    this.#store = store
    this.#faults = new MemoryFaults(store)
    this.#stack.use(registry)
  }

  /** Starts the services and the gateway, with its metrics from the beginning. */
  static async start(): Promise<FigureScenario> {
    const store = new MemoryStore()
    const options = { backend: 'memory', store, ttlMs, logger: false } as const
    const scenario = new FigureScenario(await createRegistry(options), store)
    await scenario.#serve()
    return scenario
  }

  /** The figures, as Prometheus scrapes them. */
  async metrics(): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.port}/metrics`)).text()
  }

  /** Lets everything happen once. */
  async provoke(): Promise<void> {
    await this.#refuse()
    await this.#lose()
    await this.call()
  }

  /** Uses the registry, and sends requests that succeed and fail, over HTTP and gRPC. */
  async call(): Promise<void> {
    await this.registry.list('orders')
    await this.#dead?.update({ weight: 1 + (this.#calls++ % 2) })
    for (const path of [
      '/orders',
      '/orders',
      '/orders',
      '/failing',
      '/failing',
      '/none',
      '/nowhere',
    ])
      await (await fetch(`http://127.0.0.1:${this.port}${path}`)).arrayBuffer()
    const [prices, none] = ['prices', 'none'].map((service) => {
      const target = `sd-figures:///${service}?authority=${service}:9090`
      return new Client(target, credentials.createInsecure())
    })
    await Promise.all([prices, none].map((client) => this.#price(client as Client)))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }

  async #serve(): Promise<void> {
    const { registry } = this
    const metrics = prometheusMetrics(registry)
    this.#stack.defer(() => metrics.stop())
    this.#stack.use(registerResolver(registry, { scheme: 'sd-figures' }))
    await this.#serveHttp('orders', (_request, response) => response.end('well'))
    // nothing listens there: requests go on to the other instance
    this.#dead = await this.#register('orders', 'dead', 'http://127.0.0.1:1')
    await this.#serveHttp('failing', (_request, response) => response.writeHead(500).end())
    await this.#serveGrpc()
    const balancer = { strategy: 'round-robin', outlier: { consecutiveErrors: 2 } } as const
    const gateway = new Gateway({
      discovery: registry,
      routes: [
        { service: 'orders', prefix: '/orders', balancer },
        { service: 'failing', prefix: '/failing', balancer },
        { service: 'none', prefix: '/none', timeouts: { discoveryMs: 200 } },
      ],
      metrics,
    })
    this.#stack.defer(() => gateway.destroy())
    this.port = await gateway.listen({ host: '127.0.0.1' })
    await registry.listServices()
    const all = this.#stack.use(registry.watchAll())
    await all.next()
  }

  /** The registry refuses a registration, a record is unreadable, and a call is wrong. */
  async #refuse(): Promise<void> {
    const { registry } = this
    await this.#register('refused', 'r', 'http://127.0.0.1:1')
    const options = { backend: 'memory', store: this.#store, logger: false } as const
    const rival = this.#stack.use(await createRegistry(options))
    await rival.register({ service: 'refused', id: 'r', endpoints: ['http://127.0.0.1:2'] })
    await this.#until(() => registry.health().registrations.some(isSuperseded))
    this.#faults.writeRaw('orders', 'broken', new TextEncoder().encode('{'))
    await registry.list('orders')
    await registry.list('').catch(() => {})
  }

  /** The backend loses its data and is away, and comes back. */
  async #lose(): Promise<void> {
    const { registry } = this
    this.#faults.wipe()
    this.#faults.stop()
    await this.#until(() => registry.health().state === 'unreachable')
    await this.#until(() => registry.health().session.state === 'waiting')
    this.#faults.start()
    await this.#until(() =>
      registry.health().registrations.every((one) => one.status.state !== 'recovering'),
    )
    await this.#until(() => registry.health().watches.every(({ stale }) => stale === undefined))
  }

  async #until(check: () => boolean): Promise<void> {
    const deadline = Date.now() + 20 * ttlMs
    while (!check()) {
      if (Date.now() > deadline) throw new Error(`not within ${20 * ttlMs} ms: ${String(check)}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  #price(client: Client): Promise<void> {
    return new Promise((resolve) =>
      client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        Buffer.from('pen'),
        { deadline: Date.now() + 10_000 },
        () => {
          client.close()
          resolve()
        },
      ),
    )
  }

  #register(service: string, id: string, endpoint: string): Promise<Registration> {
    return this.registry.register({ service, id, endpoints: [endpoint] })
  }

  async #serveHttp(service: string, listener: http.RequestListener): Promise<void> {
    const server = http.createServer(listener).listen(0, '127.0.0.1')
    await once(server, 'listening')
    this.#stack.defer(() => {
      server.close()
      server.closeAllConnections()
    })
    const { port } = server.address() as AddressInfo
    await this.#register(service, `${service}-1`, `http://127.0.0.1:${port}`)
  }

  async #serveGrpc(): Promise<void> {
    const server = new Server()
    server.addService(
      { priceOf: method },
      {
        priceOf: (_call: unknown, answer: (error: null, value: Buffer) => void) =>
          answer(null, Buffer.from('3')),
      },
    )
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      ),
    )
    this.#stack.defer(() => server.forceShutdown())
    await this.#register('prices', 'prices-1', `grpc://127.0.0.1:${port}`)
  }
}

const isSuperseded = ({ status }: { readonly status: { readonly state: string } }): boolean =>
  status.state === 'superseded'
