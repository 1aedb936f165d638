import type http from 'node:http'
import type https from 'node:https'
import type { Duplex } from 'node:stream'
import type { Pick } from '@sd/balancer'
import type { Discovery } from '@sd/core'
import { failRequest, prependPath, reportOutcome } from './agent-request.ts'
import { AgentSockets } from './agent-sockets.ts'
import { pickFailure } from './call-failure.ts'
import { CallError } from './call-error.ts'
import { createDirectory, type Directory } from './directory.ts'
import type { ServiceOptions, TimeoutOptions } from './dispatcher-options.ts'
import { checkObject } from './option-check.ts'
import { Endpoint } from './endpoint.ts'
import { InstanceChoice } from './instance-choice.ts'
import {
  type AddRequest,
  PickingHttpAgent,
  PickingHttpsAgent,
  type Proceed,
  type RequestOptions,
} from './picking-agents.ts'
import { RouteTable } from './route-table.ts'
import type { ServiceRoute } from './service-route.ts'

/** The options of a service that an agent supports. */
interface AgentServiceOptions extends globalThis.Pick<
  ServiceOptions,
  'balancer' | 'tlsName' | 'key'
> {
  /** For the registry's first report about a service: default 5,000 ms. */
  readonly timeouts?: globalThis.Pick<TimeoutOptions, 'discoveryMs'> | undefined
}

/** The options of `ServiceAgent`. */
export interface ServiceAgentOptions extends AgentServiceOptions {
  /** Where instances are found: a `Registry`. Closing the agent does not close it. */
  readonly discovery: Discovery
  /** The suffix of a service's host in URLs. Default `.sd`: `http://orders.sd/`. */
  readonly suffix?: string | undefined
  /** Services by host, for names that are not host names: `{ 'billing.sd': 'Billing EU' }`. */
  readonly services?: Readonly<Record<string, string>> | undefined
  /** Options for individual services, by the service's name. */
  readonly overrides?: Readonly<Record<string, AgentServiceOptions>> | undefined
  /** The idle time after which a service's watch is released. Default 300,000 ms. */
  readonly idleMs?: number | undefined
  /** Node's options for the `http:` agent. Default `{ keepAlive: true }`. */
  readonly http?: http.AgentOptions | undefined
  /** Node's options for the `https:` agent, including TLS. Default `{ keepAlive: true }`. */
  readonly https?: https.AgentOptions | undefined
}

const defaultPorts = { http: 80, https: 443 } as const

/**
 * A pair of agents for node:http, got, axios and ws. They send `http://orders.sd/path` to an
 * instance of the service `orders`, picked for each request. Requests to other hosts work as with
 * Node's own agents.
 *
 * An agent makes connections and does not repeat requests: if the instance fails, the request
 * fails. With clients that retry (got), each try picks again. `ServiceDispatcher` repeats requests
 * itself.
 */
export class ServiceAgent implements AsyncDisposable {
  /** For `http:` URLs. */
  readonly http: http.Agent
  /** For `https:` URLs. */
  readonly https: https.Agent
  readonly #directory: Directory
  readonly #routes: RouteTable<AgentSockets>
  #requests = 0
  #closed = false
  #drained: (() => void) | undefined

  /** @throws RegistryError `invalid-config`, naming the option */
  constructor(options: ServiceAgentOptions) {
    const { http: httpOptions = {}, https: httpsOptions = {}, ...rest } = options
    for (const { timeouts = {} } of [rest, ...Object.values(rest.overrides ?? {})])
      checkObject('timeouts', timeouts, ['discoveryMs'])
    this.#directory = createDirectory(
      rest,
      ['http', 'https'],
      ['balancer', 'tlsName', 'key', 'timeouts'],
    )
    const add: AddRequest = (...given) => this.#add(...given)
    this.http = new PickingHttpAgent({ keepAlive: true, ...httpOptions }, add)
    this.https = new PickingHttpsAgent({ keepAlive: true, ...httpsOptions }, add)
    const { discovery, idleMs } = this.#directory
    this.#routes = new RouteTable(
      discovery,
      (service) => this.#directory.settingsOf(service),
      () => new AgentSockets((socket) => this.#isIdle(socket)),
      idleMs,
    )
  }

  /** Rejects new requests, waits for those under way, and closes watches and idle connections. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#requests > 0) await new Promise<void>((resolve) => (this.#drained = resolve))
    await this.#routes.close()
    this.http.destroy()
    this.https.destroy()
  }

  /** Ends everything immediately. */
  async destroy(): Promise<void> {
    this.#closed = true
    const error = new CallError('closed', { attempts: 0, message: 'the agent was destroyed' })
    await this.#routes.destroy(error)
    this.http.destroy()
    this.https.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #isIdle(socket: Duplex): boolean {
    return [this.http, this.https].some(({ freeSockets }) =>
      Object.values(freeSockets).some((list) => list?.includes(socket as never)),
    )
  }

  #add(
    request: http.ClientRequest,
    options: RequestOptions,
    scheme: 'http' | 'https',
    proceed: Proceed,
  ): void {
    const host = options.host ?? ''
    const fail = (error: unknown): void => failRequest(request, error as Error)
    let route: ServiceRoute<AgentSockets>
    try {
      const port = Number(options.port ?? defaultPorts[scheme])
      const shownPort = port === defaultPorts[scheme] ? '' : `:${port}`
      const address = this.#directory.addresses.find(
        // Node handles `0.0.0.0` and sockets with a path
        /^[\w.-]+$/.test(host) ? `${scheme}://${host}${shownPort}` : undefined,
      )
      if (address === undefined) {
        proceed(request, options)
        return
      }
      if (this.#closed)
        throw new CallError('closed', {
          service: address.service,
          attempts: 0,
          message: 'the agent is closed; create a new one',
        })
      route = this.#routes.get(address.service)
    } catch (error) {
      fail(error)
      return
    }
    const go = (): void => {
      // destroyed meanwhile: Node still waits for the agent
      if (request.destroyed) failRequest(request)
      else
        try {
          this.#send(request, options, scheme, route, proceed)
        } catch (error) {
          fail(error)
        }
    }
    route.used = true
    if (route.ready) {
      go()
      return
    }
    const stop = route.whenReady(() => {
      clearTimeout(timer)
      go()
    })
    const { discoveryMs } = route.settings
    const timer =
      discoveryMs > 0
        ? setTimeout(() => {
            stop()
            fail(route.unheard())
          }, discoveryMs)
        : undefined
  }

  #send(
    request: http.ClientRequest,
    options: RequestOptions,
    scheme: 'http' | 'https',
    route: ServiceRoute<AgentSockets>,
    proceed: Proceed,
  ): void {
    const { method, path } = request
    const call = { route, method, path, attempts: 0, repeatable: false }
    const { service } = route
    const headers = request.getHeaders() as Record<string, string>
    let pick: Pick
    try {
      pick = new InstanceChoice(route, scheme, { service, method, path, headers }).pick(false)
    } catch (error) {
      throw pickFailure(call, error)
    }
    const { hostname, port, prefix } = new Endpoint(pick.endpoint)
    if (prefix !== '') prependPath(request, prefix)
    this.#requests += 1
    reportOutcome(request, route, pick, () => {
      this.#requests -= 1
      if (this.#requests === 0) this.#drained?.()
    })
    const { tlsName } = route.settings
    const urlHost = options.host ?? ''
    const name = tlsName === 'url' ? urlHost : tlsName === 'endpoint' ? hostname : tlsName
    proceed(request, {
      ...options,
      host: hostname,
      hostname,
      port,
      ...(scheme === 'https' ? { servername: options.servername || name } : {}),
      sdConnection: { sockets: route.connections, endpoint: pick.endpoint },
    })
  }
}
