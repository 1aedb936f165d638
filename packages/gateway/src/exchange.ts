import type { ServerResponse } from 'node:http'
import { constants } from 'node:http2'
import type { TLSSocket } from 'node:tls'
import type { Pick } from '@sd/balancer'
import { type Arrival, plainAddress } from './forwarded.ts'
import { type ExchangeKind, gatewayChannel, publish } from './gateway-events.ts'
import { grpcProblem, problemResponse, type Refusal } from './problem.ts'
import type { Incoming, Outgoing } from './messages.ts'
import type { Route } from './route.ts'
import { setHead } from './write-head.ts'

/** How long the rest of a request's body is read and dropped after its response. */
const lingerMs = 5_000

/** Passes the request of an exchange to an instance. */
export interface Forwarder {
  /** Throws for a request that cannot be sent. */
  start(trustedHops: number): void
  /** The client has left before the response's end. */
  clientLeft(): void
}

/** One request to the gateway and its response: what the access log and the diagnostics tell. */
export class Exchange {
  readonly request: Incoming
  readonly response: Outgoing
  readonly startedMs: number = performance.now()
  kind: ExchangeKind = 'http'
  route: Route | undefined
  refusal: Refusal | undefined
  requestBytes = 0
  responseBytes = 0
  grpcStatus: number | undefined
  /** `undefined` until the request is forwarded. */
  forwarder: Forwarder | undefined
  readonly #ended: (exchange: Exchange) => void
  #complete = false

  readonly #published: boolean

  /**
   * `ended`: called once, after the response or when the client has left. `published`: whether the
   * exchange is told on the diagnostics channel; those of the admin port are not.
   */
  constructor(
    request: Incoming,
    response: Outgoing,
    ended: (exchange: Exchange) => void,
    published = true,
  ) {
    this.#published = published
    this.request = request
    this.response = response
    this.#ended = ended
    response.once('close', () => this.#close())
  }

  get method(): string {
    return this.request.method as string
  }
  /** The path without the query. */
  get path(): string {
    return (this.request.url as string).split('?', 1)[0] as string
  }
  get protocol(): string {
    const { httpVersionMajor, httpVersion } = this.request
    return httpVersionMajor === 2 ? '2' : httpVersion
  }
  /** The Host header, or `:authority` of HTTP/2; empty if there is none. */
  get host(): string {
    const { headers } = this.request
    return (headers[':authority'] as string | undefined) ?? headers.host ?? ''
  }
  /** The status that the client got; 499 if it left before that, as in nginx. */
  get status(): number {
    const { response } = this
    return response.headersSent || this.#complete ? response.statusCode : 499
  }
  get arrival(): Arrival {
    const { socket } = this.request
    return {
      peer: plainAddress(socket.remoteAddress),
      host: this.host,
      scheme: (socket as Partial<TLSSocket>).encrypted === true ? 'https' : 'http',
    }
  }

  /** Tells subscribers that the request is forwarded; they may change `headers`. */
  started(headers: string[]): void {
    if (gatewayChannel.hasSubscribers)
      publish({ backend: 'gateway', event: 'started', ...this.#facts(), headers })
  }

  /** Tells subscribers which instance gets the gRPC call. */
  picked({ instance, endpoint }: Pick): void {
    if (gatewayChannel.hasSubscribers)
      publish({
        backend: 'gateway',
        event: 'picked',
        ...this.#facts(),
        instance: instance.id,
        endpoint,
      })
  }

  /** The connection was upgraded: the exchange ends when the client's socket has closed. */
  upgraded(upgrade: string): void {
    const { response, request } = this
    this.#complete = true
    response.statusCode = 101
    // the response is detached from the socket
    request.socket.once('close', () => response.emit('close'))
    if (gatewayChannel.hasSubscribers)
      publish({
        backend: 'gateway',
        event: 'upgraded',
        ...this.#facts(),
        upgrade: upgrade.toLowerCase(),
      })
  }

  /** Answers with problem details, unless the response has begun: then it breaks off. */
  refuse(refused: Refusal): void {
    this.refusal ??= refused
    const { response, request } = this
    if (response.destroyed) return
    if (response.headersSent) {
      this.cut()
      return
    }
    if (this.kind === 'grpc') {
      const headers = grpcProblem(refused)
      this.grpcStatus = Number(headers['grpc-status'])
      setHead(response, 200, headers)
      this.end()
      return
    }
    const { headers, body } = problemResponse(refused)
    const http1 = request.httpVersionMajor === 1
    // what is left of a body is not worth reading
    const close = http1 && !request.complete ? { connection: 'close' } : {}
    // a head that Node refused to write may have set it
    if (http1) response.statusMessage = ''
    ;(response as ServerResponse).writeHead(refused.status, { ...headers, ...close })
    this.responseBytes += this.method === 'HEAD' ? 0 : body.length
    this.end(this.method === 'HEAD' ? undefined : body)
  }

  /** Ends the response, and reads what is left of the request so that the client gets it whole. */
  end(body?: string | Buffer): void {
    this.#complete = true
    if (body === undefined) this.response.end()
    else (this.response as ServerResponse).end(body)
    const { request } = this
    if (request.complete || request.destroyed) return
    request.resume()
    const timer = setTimeout(() => request.destroy(), lingerMs).unref()
    request.once('close', () => clearTimeout(timer))
  }

  /** Breaks the connection (HTTP/2: the stream), so that the client sees an incomplete response. */
  cut(): void {
    const { response } = this
    // destroying the response would end the stream of HTTP/2 as if it were whole
    if ('stream' in response) response.stream.close(constants.NGHTTP2_INTERNAL_ERROR)
    else response.destroy()
  }

  #facts(): {
    readonly exchange: object
    readonly kind: ExchangeKind
    readonly route: string | undefined
    readonly service: string | undefined
    readonly method: string
    readonly path: string
    readonly protocol: string
  } {
    const { kind, route, method, path, protocol } = this
    const service = route?.options.service
    return { exchange: this, kind, route: route?.options.name, service, method, path, protocol }
  }

  #close(): void {
    if (!this.#complete) this.forwarder?.clientLeft()
    if (this.#published && gatewayChannel.hasSubscribers)
      publish({
        backend: 'gateway',
        event: 'finished',
        ...this.#facts(),
        status: this.status,
        durationMs: performance.now() - this.startedMs,
        requestBytes: this.requestBytes,
        responseBytes: this.responseBytes,
        reason: this.refusal?.reason,
        cause: this.refusal?.cause,
        grpcStatus: this.grpcStatus,
      })
    this.#ended(this)
  }
}
