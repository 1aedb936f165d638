import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { RegistryError } from '@sd/core'
import { httpServer } from '@sd/lifecycle'
import { check, checkRoutes, checkWhole } from './check-routes.ts'
import { Exchange, type Incoming, type Outgoing } from './exchange.ts'
import { Forwarding } from './forwarding.ts'
import { gatewayChannel, publish } from './gateway-events.ts'
import type { GatewayOptions, ListenOptions, StopOptions } from './gateway-options.ts'
import { ownPaths, type OwnPath } from './own-paths.ts'
import { refusal } from './problem.ts'
import { isHost, targetProblem } from './request-target.ts'
import { Routes } from './routes.ts'
import type { RouteOptions } from './route-options.ts'

const gatewayFields = ['discovery', 'routes', 'trustedHops', 'timeouts'] as const
const timeoutFields = ['headersMs', 'requestMs', 'keepAliveMs'] as const
const maxMs = 2 ** 31 - 1

/**
 * A reverse proxy by service name. It sends each request to an instance of the service that the
 * request's route names, and follows the registry.
 */
export class Gateway implements AsyncDisposable {
  readonly #routes: Routes
  readonly #trustedHops: number
  readonly #server: Server
  readonly #front: ReturnType<typeof httpServer>
  readonly #own: ReadonlyMap<string, OwnPath>
  readonly #exchanges = new Set<Exchange>()
  readonly #ended = (exchange: Exchange): void => this.#end(exchange)
  #draining = false
  #stopping: Promise<void> | undefined

  /** @throws RegistryError `invalid-config`, naming the option */
  constructor(options: GatewayOptions) {
    check.object(options, gatewayFields)
    const { discovery, trustedHops } = options
    if (typeof discovery?.watch !== 'function')
      check.expected(
        'discovery',
        discovery,
        'a registry: what createRegistry of @sd/registry returns',
      )
    this.#trustedHops = checkWhole('trustedHops', trustedHops, 0, 0, 100)
    const timeouts = check.object(options.timeouts ?? {}, timeoutFields, 'timeouts')
    const ms = (name: (typeof timeoutFields)[number], fallback: number): number =>
      checkWhole(`timeouts.${name}`, timeouts[name], fallback, 0, maxMs)
    const serverOptions = {
      headersTimeout: ms('headersMs', 60_000),
      requestTimeout: ms('requestMs', 300_000),
      keepAliveTimeout: ms('keepAliveMs', 72_000),
    }
    this.#own = ownPaths(this)
    this.#routes = new Routes(discovery)
    this.#routes.replace(checkRoutes(options.routes, [...this.#own.keys()]))
    this.#server = createServer(serverOptions, (request, response) =>
      this.#handle(request, response, false),
    )
    this.#server.on('checkContinue', (request, response) => this.#handle(request, response, true))
    this.#server.on('connect', (_request, socket) =>
      socket.end(
        'HTTP/1.1 405 Method Not Allowed\r\ncontent-length: 0\r\nconnection: close\r\n\r\n',
      ),
    )
    this.#front = httpServer(this.#server)
  }

  /** Requests under way. */
  get requests(): number {
    return this.#exchanges.size
  }

  /** Why the gateway should get no requests; empty if it is ready. */
  get unready(): readonly string[] {
    if (this.#draining) return ['the gateway is draining']
    return this.#routes.all
      .filter(({ upstream }) => !upstream.heard)
      .map(({ upstream }) => `the registry has not yet answered for ${upstream.service}`)
  }

  /** Listens, and resolves to the port. Rejects with Node's error, e.g. `EADDRINUSE`. */
  async listen({ port = 0, host }: ListenOptions = {}): Promise<number> {
    const listening = Promise.withResolvers<void>()
    this.#server.once('error', listening.reject)
    this.#server.listen({ port, host }, () => listening.resolve())
    await listening.promise
    this.#server.off('error', listening.reject)
    return (this.#server.address() as AddressInfo).port
  }

  /**
   * Replaces the routes. Those that stay the same keep their connections; requests under way on the
   * others end normally.
   * @throws RegistryError `invalid-config`; the present routes stay in use
   */
  reload(routes: readonly RouteOptions[]): void {
    let cause: unknown
    try {
      this.#routes.replace(checkRoutes(routes, [...this.#own.keys()]))
    } catch (error) {
      cause = error
    }
    if (gatewayChannel.hasSubscribers)
      publish({ backend: 'gateway', event: 'reloaded', routes: this.#routes.all.length, cause })
    if (cause !== undefined) throw cause
  }

  /** Finishes the requests under way, refuses new connections, and releases everything. */
  stop(options: StopOptions = {}): Promise<void> {
    this.#stopping ??= this.#stop(options)
    return this.#stopping
  }

  /** Ends everything immediately. */
  async destroy(): Promise<void> {
    this.#draining = true
    this.#front.destroy()
    await this.#routes.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #stop({ announceMs = 0, drainMs = 10_000 }: StopOptions): Promise<void> {
    this.#draining = true
    if (gatewayChannel.hasSubscribers)
      publish({ backend: 'gateway', event: 'draining', requests: this.requests, upgraded: 0 })
    await sleep(announceMs)
    await this.#front.drain(AbortSignal.timeout(drainMs))
    await this.destroy()
  }

  #handle(request: Incoming, response: Outgoing, continues: boolean): void {
    const exchange = new Exchange(request, response, this.#ended)
    this.#exchanges.add(exchange)
    try {
      this.#answer(exchange, continues)
    } catch (error) {
      // undici throws for a request that it cannot send
      exchange.refuse(refusal('bad-request', 'the request cannot be forwarded', undefined, error))
      if (!(error instanceof RegistryError)) throw error
    }
  }

  #answer(exchange: Exchange, continues: boolean): void {
    const { request, host } = exchange
    const target = request.url as string
    const problem = targetProblem(target)
    if (problem !== undefined) return exchange.refuse(refusal('bad-target', problem))
    if ((host !== '' && !isHost(host)) || this.#repeatsHost(request))
      return exchange.refuse(refusal('bad-host', 'the Host header does not name one host'))
    const own = this.#own.get(target)
    if (own !== undefined) return own(exchange)
    if (request.method === 'TRACE')
      return exchange.refuse(refusal('method-refused', 'TRACE is not forwarded'))
    const route = this.#routes.find(host, target)
    if (route === undefined)
      return exchange.refuse(refusal('no-route', 'no route matches the host and the path'))
    exchange.route = route
    route.requests += 1
    const { service, maxRequests, maxBodyBytes } = route.options
    if (route.requests > maxRequests)
      return exchange.refuse(
        refusal(
          'too-many-requests',
          `${maxRequests} requests to the service are under way`,
          service,
        ),
      )
    if (Number(request.headers['content-length'] ?? 0) > maxBodyBytes)
      return exchange.refuse(
        refusal('body-too-large', `the body is larger than ${maxBodyBytes} bytes`, service),
      )
    new Forwarding(exchange, route, continues).start(this.#trustedHops)
  }

  /** Whether there are several Host headers, of which an instance might read another one. */
  #repeatsHost({ rawHeaders }: Incoming): boolean {
    let count = 0
    for (let i = 0; i < rawHeaders.length; i += 2) {
      const name = rawHeaders[i] as string
      if (name.length === 4 && name.toLowerCase() === 'host') count += 1
    }
    return count > 1
  }

  #end(exchange: Exchange): void {
    this.#exchanges.delete(exchange)
    if (exchange.route !== undefined) exchange.route.requests -= 1
  }
}
