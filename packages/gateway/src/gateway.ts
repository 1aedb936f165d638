import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo, Server as NetServer } from 'node:net'
import type { Duplex } from 'node:stream'
import { type SecureContextOptions, Server as TlsServer } from 'node:tls'
import { setTimeout as sleep } from 'node:timers/promises'
import { type AnyHttpServer, httpServer, type ServiceServer } from '@sd/lifecycle'
import { AccessLog } from './access-log.ts'
import { admit } from './admission.ts'
import { checkFrontTls, checkGateway } from './check-gateway.ts'
import { check, checkRoutes } from './check-routes.ts'
import { Exchange, type Forwarder } from './exchange.ts'
import type { Incoming, Outgoing } from './messages.ts'
import { Forwarding } from './forwarding.ts'
import { createFront, type FrontTls, isUpgradable } from './front.ts'
import { gatewayChannel, publish } from './gateway-events.ts'
import type { GatewayOptions, ListenOptions, StopOptions } from './gateway-options.ts'
import { GrpcForwarding } from './grpc-forwarding.ts'
import { ownPaths, type OwnPath } from './own-paths.ts'
import { refusal } from './problem.ts'
import { Routes } from './routes.ts'
import type { RouteOptions } from './route-options.ts'
import { responseOn, Tunnel, upgradeProblem } from './tunnel.ts'

const listenOn = async (
  server: AnyHttpServer,
  { port = 0, host }: ListenOptions,
): Promise<number> => {
  const listening = Promise.withResolvers<void>()
  const net = server as NetServer
  net.once('error', listening.reject)
  net.listen({ port, host }, () => listening.resolve())
  await listening.promise
  net.off('error', listening.reject)
  return (net.address() as AddressInfo).port
}

/** gRPC-Web is HTTP/1.1 for proxies: a request like any other. */
const isGrpc = ({ httpVersionMajor, headers }: Incoming): boolean =>
  httpVersionMajor === 2 && /^application\/grpc($|[+;])/.test(headers['content-type'] ?? '')

/**
 * A reverse proxy by service name. It sends each request to an instance of the service that the
 * request's route names, and follows the registry.
 */
export class Gateway implements AsyncDisposable {
  readonly #routes: Routes
  readonly #trustedHops: number
  readonly #server: AnyHttpServer
  readonly #front: ServiceServer
  readonly #admin: AnyHttpServer | undefined
  readonly #own: ReadonlyMap<string, OwnPath>
  readonly #reserved: readonly string[]
  readonly #log: AccessLog | undefined
  readonly #tunnels = new Set<Tunnel>()
  readonly #ended = (exchange: Exchange): void => this.#end(exchange)
  #requests = 0
  #draining = false
  #stopping: Promise<void> | undefined

  /** @throws RegistryError `invalid-config`, naming the option */
  constructor(options: GatewayOptions) {
    const { discovery, trustedHops, front, accessLog, metrics, adminApart } = checkGateway(options)
    this.#trustedHops = trustedHops
    if (accessLog !== undefined) this.#log = new AccessLog(accessLog, trustedHops)
    const own = ownPaths(this, metrics)
    this.#own = adminApart ? new Map() : own
    this.#reserved = [...this.#own.keys()]
    this.#routes = new Routes(discovery)
    this.#routes.replace(checkRoutes(options.routes, this.#reserved))
    this.#server = createFront(front, {
      request: (request, response, continues) => this.#handle(request, response, continues),
      upgrade: (request, socket, head) => this.#handleUpgrade(request, socket, head),
    })
    this.#front = httpServer(this.#server)
    if (adminApart)
      this.#admin = createServer((request, response) => {
        const exchange = new Exchange(request, response, () => {}, false)
        const answer = own.get(request.url as string)
        if (answer === undefined) exchange.refuse(refusal('no-route', 'there is no such path'))
        else answer(exchange)
      })
  }

  /** Requests under way, including upgraded connections. */
  get requests(): number {
    return this.#requests
  }

  /** Upgraded connections that are open. */
  get upgraded(): number {
    let count = 0
    for (const { open } of this.#tunnels) if (open) count += 1
    return count
  }

  /** Why the gateway should get no requests; empty if it is ready. */
  get unready(): readonly string[] {
    if (this.#draining) return ['the gateway is draining']
    return this.#routes.all
      .filter(({ upstream }) => !upstream.heard)
      .map(({ upstream }) => `the registry has not yet answered for ${upstream.service}`)
  }

  /** Listens, and resolves to the port. Rejects with Node's error, e.g. `EADDRINUSE`. */
  listen(options: ListenOptions = {}): Promise<number> {
    return listenOn(this.#server, options)
  }

  /** Listens for `/healthz`, `/readyz` and `/metrics` if they are apart; resolves to the port. */
  async listenAdmin(options: ListenOptions = {}): Promise<number> {
    if (this.#admin === undefined) throw new TypeError('listenAdmin needs the option adminApart')
    return listenOn(this.#admin, options)
  }

  /**
   * Replaces the routes. Those that stay the same keep their connections; requests under way on the
   * others end normally.
   * @throws RegistryError `invalid-config`; the present routes stay in use
   */
  reload(routes: readonly RouteOptions[]): void {
    let cause: unknown
    try {
      this.#routes.replace(checkRoutes(routes, this.#reserved))
    } catch (error) {
      cause = error
    }
    if (gatewayChannel.hasSubscribers)
      publish({ backend: 'gateway', event: 'reloaded', routes: this.#routes.all.length, cause })
    if (cause !== undefined) throw cause
  }

  /**
   * Shows another certificate to new connections.
   * @throws RegistryError `invalid-config`; the present certificate stays in use
   */
  renewTls(tls: FrontTls): void {
    const checked = checkFrontTls(tls)
    if (!(this.#server instanceof TlsServer) || checked === undefined)
      check.refuse('tls was not given at the start, and cannot be added')
    else this.#server.setSecureContext(checked as SecureContextOptions)
  }

  /**
   * Finishes the requests under way, tells WebSocket clients to go, refuses new connections, and
   * releases everything.
   */
  stop(options: StopOptions = {}): Promise<void> {
    this.#stopping ??= this.#stop(options)
    return this.#stopping
  }

  /** Ends everything immediately. */
  async destroy(): Promise<void> {
    this.#draining = true
    this.#front.destroy()
    for (const tunnel of this.#tunnels) tunnel.destroy()
    if (this.#admin?.listening === true) {
      this.#admin.close()
      if ('closeAllConnections' in this.#admin) this.#admin.closeAllConnections()
    }
    await this.#routes.destroy()
    this.#log?.flush()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #stop({ announceMs = 0, drainMs = 10_000 }: StopOptions): Promise<void> {
    this.#draining = true
    const { requests, upgraded } = this
    if (gatewayChannel.hasSubscribers)
      publish({ backend: 'gateway', event: 'draining', requests, upgraded })
    await sleep(announceMs)
    for (const tunnel of this.#tunnels) tunnel.leave()
    await this.#front.drain(AbortSignal.timeout(drainMs))
    await this.destroy()
  }

  #handle(request: Incoming, response: Outgoing, continues: boolean): void {
    const exchange = this.#begin(request, response)
    if (isGrpc(request)) exchange.kind = 'grpc'
    const route = admit(exchange, this.#routes, this.#own)
    if (route === undefined) return
    const forwarding =
      exchange.kind === 'grpc'
        ? new GrpcForwarding(exchange, route)
        : new Forwarding(exchange, route, continues)
    this.#forward(exchange, forwarding)
  }

  #handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => {})
    const exchange = this.#begin(request, responseOn(request, socket))
    exchange.kind = 'upgrade'
    const problem = isUpgradable(request.headers.upgrade)
      ? upgradeProblem(request)
      : refusal('bad-request', 'of the upgrades only websocket is passed through')
    if (problem !== undefined) {
      exchange.refuse(problem)
      return
    }
    const route = admit(exchange, this.#routes, this.#own)
    if (route === undefined) return
    const tunnel = new Tunnel(exchange, route, socket, head)
    this.#tunnels.add(tunnel)
    exchange.response.once('close', () => this.#tunnels.delete(tunnel))
    this.#forward(exchange, tunnel)
  }

  #begin(request: Incoming, response: Outgoing): Exchange {
    this.#requests += 1
    return new Exchange(request, response, this.#ended)
  }

  /** Refuses what cannot be sent, e.g. a header that undici does not write. */
  #forward(exchange: Exchange, forwarder: Forwarder): void {
    exchange.forwarder = forwarder
    try {
      forwarder.start(this.#trustedHops)
    } catch (error) {
      const service = exchange.route?.options.service
      exchange.refuse(refusal('bad-request', 'the request cannot be forwarded', service, error))
    }
  }

  #end(exchange: Exchange): void {
    this.#requests -= 1
    if (exchange.route !== undefined) exchange.route.requests -= 1
    this.#log?.add(exchange)
  }
}
